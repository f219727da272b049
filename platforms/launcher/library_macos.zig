//! The Python library of a runtime on macOS: libpythonX.Y.dylib beside the program or in its `lib`.
const std = @import("std");
const files = @import("files_posix.zig");
const messages = @import("messages.zig");
const process = @import("process_posix.zig");
const tree = @import("tree.zig");
const Allocator = std.mem.Allocator;

/// Runs Python's main function and returns its exit status.
pub fn run(arena: Allocator, arguments: []const []const u8) !i32 {
    const own = process.ownPath(arena) orelse return messages.because(error.OwnPath, "its own path is unknown", .{});
    const folder = std.fs.path.dirname(own).?;
    const path = try find(arena, folder) orelse try find(arena, try tree.below(arena, folder, "lib")) orelse
        return messages.because(error.NoLibrary, "no libpython3.*.dylib lies in {s} or its lib", .{folder});
    const library = std.c.dlopen(try arena.dupeSentinel(u8, path, 0), .{ .NOW = true }) orelse return broken();
    const function = std.c.dlsym(library, "Py_BytesMain") orelse return broken();
    const words = try std.mem.concat(arena, []const u8, &.{ &.{own}, arguments });
    const list = try arena.allocSentinel(?[*:0]const u8, words.len, null);
    for (list, words) |*slot, word| slot.* = try arena.dupeSentinel(u8, word, 0);
    const call: *const fn (c_int, [*:null]?[*:0]const u8) callconv(.c) c_int = @ptrCast(@alignCast(function));
    return call(@intCast(words.len), list.ptr);
}

fn find(arena: Allocator, folder: []const u8) !?[]const u8 {
    for (files.list(arena, folder) catch return null) |name| {
        if (std.mem.startsWith(u8, name, "libpython3.") and std.mem.endsWith(u8, name, ".dylib")) {
            return try tree.below(arena, folder, name);
        }
    }
    return null;
}

fn broken() error{Broken} {
    const why = if (std.c.dlerror()) |text| std.mem.span(text) else "no reason given";
    return messages.because(error.Broken, "{s}", .{why});
}
