//! The folders in which the launcher may keep things, best first. docs/launcher.md: "Where it unpacks".
const std = @import("std");
const system = @import("system.zig");
const tree = @import("tree.zig");
const files = system.files;
const process = system.process;
const Allocator = std.mem.Allocator;

pub const Place = struct {
    folder: []const u8,
    /// The launcher's own folder is as trustworthy as the launcher.
    is_own: bool = false,

    /// Makes the folder if it is missing.
    pub fn prepare(place: Place, arena: Allocator) files.Error!void {
        if (place.is_own) return;
        if (std.fs.path.dirname(place.folder)) |above| try tree.make(arena, above);
        files.makeFolder(arena, place.folder, true) catch |err| if (err != error.Exists) return err;
        if (!place.isTrusted(arena)) return error.Untrusted;
    }

    /// What is started from a folder must be of this user's making: the folder for temporary files is everybody's
    /// on Unix, and everybody knows the name of a runtime.
    pub fn isTrusted(place: Place, arena: Allocator) bool {
        if (place.is_own) return true;
        const found = files.lookAtLink(arena, place.folder) orelse return false;
        return found.kind == .folder and found.owner == process.userId() and found.mode & 0o002 == 0;
    }
};

/// `own` is the launcher's folder: a client's project folder, which goes away when the volunteer detaches.
pub fn list(arena: Allocator, own: []const u8, under_client: bool) ![]const Place {
    var places: std.ArrayList(Place) = .empty;
    if (under_client) try places.append(arena, .{ .folder = own, .is_own = true });
    if (try userCache(arena)) |folder| try places.append(arena, .{ .folder = folder });
    try places.append(arena, .{ .folder = try temporary(arena) });
    return places.items;
}

/// platformdirs' rule for the cache of an application named pymw.
fn userCache(arena: Allocator) !?[]const u8 {
    if (system.is_windows) {
        const local = absolute(arena, "LOCALAPPDATA") orelse return null;
        return try tree.below(arena, local, "pymw/Cache");
    }
    const home = absolute(arena, "HOME");
    if (system.is_macos) return try tree.below(arena, home orelse return null, "Library/Caches/pymw");
    if (absolute(arena, "XDG_CACHE_HOME")) |caches| return try tree.below(arena, caches, "pymw");
    return try tree.below(arena, home orelse return null, ".cache/pymw");
}

fn temporary(arena: Allocator) ![]const u8 {
    const root = if (system.is_windows)
        absolute(arena, "TEMP") orelse absolute(arena, "TMP") orelse "C:\\Windows\\Temp"
    else
        absolute(arena, "TMPDIR") orelse "/tmp";
    const name = try std.fmt.allocPrint(arena, "pymw-{d}", .{process.userId()});
    return tree.below(arena, std.mem.trimEnd(u8, root, "/\\"), name);
}

fn absolute(arena: Allocator, variable: []const u8) ?[]const u8 {
    const value = process.environment(arena, variable) orelse return null;
    return if (std.fs.path.isAbsolute(value)) value else null;
}
