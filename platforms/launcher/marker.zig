//! The file that says that a runtime is whole: its first line names the payload, then size and name of each file,
//! and the last line their number, so that a marker that was cut short is none.
const std = @import("std");
const content = @import("content.zig");
const files = @import("system.zig").files;
const tree = @import("tree.zig");
const Allocator = std.mem.Allocator;

const file_name = ".pymw_complete";
const header = "PyMW runtime 1 ";
const largest = 16 * 1024 * 1024;

pub const Entry = struct { size: u64, name: []const u8 };

pub fn write(arena: Allocator, folder: []const u8, sha256: [32]u8, entries: []const Entry) !void {
    var text: std.Io.Writer.Allocating = .init(arena);
    const out = &text.writer;
    try out.print(header ++ "{s}\n", .{std.fmt.bytesToHex(sha256, .lower)});
    for (entries) |entry| try out.print("{d} {s}\n", .{ entry.size, entry.name });
    try out.print("end {d}\n", .{entries.len});
    const handle = try files.create(arena, try tree.below(arena, folder, file_name), false);
    defer files.close(handle);
    try files.write(handle, text.written());
    try files.sync(handle);
}

/// Whether a folder holds all that its marker names, each file with its size.
pub fn fits(arena: Allocator, folder: []const u8, sha256: [32]u8) error{OutOfMemory}!bool {
    const text = content.read(arena, try tree.below(arena, folder, file_name), largest) catch |err| switch (err) {
        error.OutOfMemory => |e| return e,
        else => return false,
    };
    var lines = std.mem.splitScalar(u8, text, '\n');
    const named = std.mem.cutPrefix(u8, lines.first(), header) orelse return false;
    if (!std.mem.eql(u8, named, &std.fmt.bytesToHex(sha256, .lower))) return false;
    var count: usize = 0;
    while (lines.next()) |line| : (count += 1) {
        const size, const name = std.mem.cutScalar(u8, line, ' ') orelse return false;
        if (std.mem.eql(u8, size, "end")) return isCount(name, count) and lines.rest().len == 0;
        if (!tree.isSafe(name)) return false;
        const found = files.lookAtLink(arena, try tree.below(arena, folder, name)) orelse return false;
        if (found.kind != .file or found.size != std.fmt.parseInt(u64, size, 10) catch return false) return false;
    }
    return false;
}

fn isCount(text: []const u8, count: usize) bool {
    return count == std.fmt.parseInt(usize, text, 10) catch return false;
}
