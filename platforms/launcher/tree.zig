//! Folders within folders: which names may stand in an archive, and how a tree is made and removed.
const std = @import("std");
const files = @import("system.zig").files;
const Allocator = std.mem.Allocator;

/// Whether a `/`-separated path stays below the folder that it is relative to, on every system: no empty part,
/// no `.` or `..`, no backslash, colon (drives, streams) or control character.
pub fn isSafe(path: []const u8) bool {
    var parts = std.mem.splitScalar(u8, path, '/');
    while (parts.next()) |part| {
        if (part.len == 0 or std.mem.eql(u8, part, ".") or std.mem.eql(u8, part, "..")) return false;
    }
    for (path) |character| switch (character) {
        0...0x1f, '\\', ':', 0x7f => return false,
        else => {},
    };
    return std.unicode.utf8ValidateSlice(path);
}

/// `folder` and a `/`-separated path below it, as the system writes it.
pub fn below(arena: Allocator, folder: []const u8, path: []const u8) error{OutOfMemory}![]const u8 {
    const whole = try std.mem.concat(arena, u8, &.{ folder, &.{files.separator}, path });
    std.mem.replaceScalar(u8, whole[folder.len..], '/', files.separator);
    return whole;
}

/// Makes a folder and those above it, as far as they are missing.
pub fn make(arena: Allocator, folder: []const u8) files.Error!void {
    files.makeFolder(arena, folder, false) catch |err| switch (err) {
        error.Exists => return,
        error.NotFound => {
            const above = std.fs.path.dirname(folder) orelse return err;
            try make(arena, above);
            files.makeFolder(arena, folder, false) catch |again| if (again != error.Exists) return again;
        },
        else => {
            // Some systems say "denied" or "read-only" for a folder that is there.
            const found = files.look(arena, folder) orelse return err;
            if (found.kind != .folder) return err;
        },
    };
}

/// Removes a file, or a folder with all that is in it; never follows a link.
pub fn remove(arena: Allocator, path: []const u8) files.Error!void {
    const found = files.lookAtLink(arena, path) orelse return;
    if (found.kind != .folder) return files.removeFile(arena, path);
    for (try files.list(arena, path)) |name| try remove(arena, try below(arena, path, name));
    try files.removeFolder(arena, path);
}
