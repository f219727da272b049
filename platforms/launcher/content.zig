//! Small files, read and written whole.
const std = @import("std");
const files = @import("system.zig").files;
const process = @import("system.zig").process;
const Allocator = std.mem.Allocator;

/// All bytes of a file of at most `largest` bytes.
pub fn read(arena: Allocator, path: []const u8, largest: u64) files.Error![]const u8 {
    const file = try open(arena, path, largest);
    defer files.close(file.handle);
    return file.buffer[0..try files.read(file.handle, file.buffer)];
}

/// A file to read, and room for all of it.
pub fn open(arena: Allocator, path: []const u8, largest: u64) files.Error!struct { handle: files.Handle, buffer: []u8 } {
    const handle = try files.openToRead(arena, path);
    errdefer files.close(handle);
    const found = files.look(arena, path) orelse return error.NotFound;
    if (found.size > largest) return error.TooLarge;
    return .{ .handle = handle, .buffer = try arena.alloc(u8, @intCast(found.size)) };
}

/// Whether a file begins with these bytes; null if it can't be read.
pub fn beginsWith(arena: Allocator, path: []const u8, start: []const u8) ?bool {
    const handle = files.openToRead(arena, path) catch return null;
    defer files.close(handle);
    const buffer = arena.alloc(u8, start.len) catch return null;
    const length = files.read(handle, buffer) catch return null;
    return std.mem.eql(u8, buffer[0..length], start);
}

/// Writes a file under a temporary name and renames it, so that a reader sees the old or the new one, whole.
pub fn replace(arena: Allocator, path: []const u8, bytes: []const u8) files.Error!void {
    return write(arena, path, bytes, false);
}

/// The same, so that it holds even if the power fails.
pub fn replaceDurably(arena: Allocator, path: []const u8, bytes: []const u8) files.Error!void {
    return write(arena, path, bytes, true);
}

fn write(arena: Allocator, path: []const u8, bytes: []const u8, durably: bool) files.Error!void {
    const work = try std.fmt.allocPrint(arena, "{s}.{d}-{x}.tmp", .{ path, process.id(), process.uniqueNumber() });
    errdefer files.removeFile(arena, work) catch {};
    const handle = try files.create(arena, work, false);
    {
        errdefer files.close(handle);
        try files.write(handle, bytes);
        if (durably) try files.sync(handle);
    }
    try files.finish(handle);
    try files.rename(arena, work, path);
}
