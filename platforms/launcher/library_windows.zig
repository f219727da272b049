//! The Python library of a runtime on Windows: pythonXY.dll beside the program.
const std = @import("std");
const files = @import("files_windows.zig");
const messages = @import("messages.zig");
const process = @import("process_windows.zig");
const tree = @import("tree.zig");
const w = @import("windows.zig");
const Allocator = std.mem.Allocator;

/// Finds the DLLs that python3*.dll needs beside it, not beside whatever is in PATH.
const with_altered_search_path = 0x8;

/// Runs Python's main function and returns its exit status.
pub fn run(arena: Allocator, arguments: []const []const u8) !i32 {
    const own = process.ownPath(arena) orelse return messages.because(error.OwnPath, "its own path is unknown", .{});
    const folder = std.fs.path.dirname(own).?;
    const name = for (try files.list(arena, folder)) |name| {
        if (isLibrary(name)) break name;
    } else return messages.because(error.NoLibrary, "no python3*.dll lies in {s}", .{folder});
    const path = try tree.below(arena, folder, name);
    const wide_path = try std.unicode.wtf8ToWtf16LeAllocZ(arena, process.pathArgument(path));
    const library = w.LoadLibraryExW(wide_path, null, with_altered_search_path) orelse return broken(arena, path);
    const function = w.GetProcAddress(library, "Py_Main") orelse return broken(arena, path);
    const words = try std.mem.concat(arena, []const u8, &.{ &.{own}, arguments });
    if (name["python".len] == '2') return callNarrow(arena, function, words);
    const list = try arena.allocSentinel(?[*:0]const u16, words.len, null);
    for (list, words) |*slot, word| slot.* = try std.unicode.wtf8ToWtf16LeAllocZ(arena, word);
    const call: *const fn (c_int, [*:null]?[*:0]const u16) callconv(.c) c_int = @ptrCast(@alignCast(function));
    return call(@intCast(words.len), list.ptr);
}

/// pythonXY.dll; python3.dll is only a table of contents for extensions.
fn isLibrary(name: []const u8) bool {
    var lower: [32]u8 = undefined;
    if (name.len > lower.len) return false;
    const text = std.ascii.lowerString(&lower, name);
    const ending = std.mem.cutPrefix(u8, text, "python") orelse return false;
    const digits = std.mem.cutSuffix(u8, ending, ".dll") orelse return false;
    if (digits.len < 2) return false;
    for (digits) |digit| if (!std.ascii.isDigit(digit)) return false;
    return true;
}

/// Python 2 takes its arguments in the code page of the machine.
fn callNarrow(arena: Allocator, function: *anyopaque, words: []const []const u8) !i32 {
    const list = try arena.allocSentinel(?[*:0]u8, words.len, null);
    for (list, words) |*slot, word| {
        const wide = try std.unicode.wtf8ToWtf16LeAllocZ(arena, word);
        const size = w.WideCharToMultiByte(0, 0, wide, -1, null, 0, null, null);
        const narrow = try arena.allocSentinel(u8, @intCast(size), 0);
        _ = w.WideCharToMultiByte(0, 0, wide, -1, narrow.ptr, size, null, null);
        slot.* = narrow.ptr;
    }
    const call: *const fn (c_int, [*:null]?[*:0]u8) callconv(.c) c_int = @ptrCast(@alignCast(function));
    return call(@intCast(words.len), list.ptr);
}

fn broken(arena: Allocator, path: []const u8) error{Broken} {
    files.failure() catch {};
    return messages.because(error.Broken, "{s}: {s}", .{ path, files.cause(arena) });
}
