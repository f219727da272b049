//! The Pythons in the registry, as PEP 514 has it: Software\Python\<company>\<tag>\InstallPath.
const std = @import("std");
const w = @import("windows.zig");
const Version = @import("version.zig").Version;
const Allocator = std.mem.Allocator;

const literal = std.unicode.wtf8ToWtf16LeStringLiteral;
const root = literal("Software\\Python");
const longest_name = 256;

const Entry = struct { path: []const u8, version: Version };

/// Paths of their programs: this user's first, then the machine's, the newest first in each.
pub fn pythons(arena: Allocator) ![]const []const u8 {
    var paths: std.ArrayList([]const u8) = .empty;
    for ([_]*anyopaque{ w.current_user, w.local_machine }) |hive| {
        var entries: std.ArrayList(Entry) = .empty;
        for ([_]u32{ w.view_64, w.view_32 }) |view| try collect(arena, &entries, hive, view);
        std.mem.sort(Entry, entries.items, {}, isNewer);
        for (entries.items) |entry| try paths.append(arena, entry.path);
    }
    return paths.items;
}

fn isNewer(_: void, left: Entry, right: Entry) bool {
    return right.version.isBefore(left.version);
}

fn collect(arena: Allocator, entries: *std.ArrayList(Entry), hive: *anyopaque, view: u32) !void {
    const companies = open(hive, root, view) orelse return;
    defer _ = w.RegCloseKey(companies);
    for (try names(arena, companies)) |company| {
        // PEP 514 keeps this name for the py launcher: no Python is behind it.
        if (std.mem.eql(u16, company, literal("PyLauncher"))) continue;
        const tags = open(companies, company, view) orelse continue;
        defer _ = w.RegCloseKey(tags);
        for (try names(arena, tags)) |tag| {
            const key = open(tags, tag, view) orelse continue;
            defer _ = w.RegCloseKey(key);
            const path = try programOf(arena, key, view) orelse continue;
            try entries.append(arena, .{ .path = path, .version = try versionOf(arena, key, tag) });
        }
    }
}

fn programOf(arena: Allocator, key: *anyopaque, view: u32) !?[]const u8 {
    const install = open(key, literal("InstallPath"), view) orelse return null;
    defer _ = w.RegCloseKey(install);
    if (try text(arena, install, literal("ExecutablePath"))) |path| return path;
    const folder = try text(arena, install, null) orelse return null;
    return try std.mem.concat(arena, u8, &.{ std.mem.trimEnd(u8, folder, "\\"), "\\python.exe" });
}

/// Only for the order; what counts is what the Python says itself.
fn versionOf(arena: Allocator, key: *anyopaque, tag: [:0]const u16) !Version {
    const name = try text(arena, key, literal("SysVersion")) orelse try std.unicode.wtf16LeToWtf8Alloc(arena, tag);
    const end = std.mem.findNone(u8, name, "0123456789.") orelse name.len;
    return Version.parse(name[0..end]) orelse .{ .major = 0, .minor = 0 };
}

fn open(key: *anyopaque, name: [:0]const u16, view: u32) ?*anyopaque {
    var opened: ?*anyopaque = null;
    return if (w.RegOpenKeyExW(key, name, 0, w.key_read | view, &opened) == 0) opened else null;
}

fn names(arena: Allocator, key: *anyopaque) ![]const [:0]const u16 {
    var found: std.ArrayList([:0]const u16) = .empty;
    var buffer: [longest_name]u16 = undefined;
    var index: u32 = 0;
    while (true) : (index += 1) {
        var size: u32 = buffer.len;
        if (w.RegEnumKeyExW(key, index, &buffer, &size, null, null, null, null) != 0) return found.items;
        try found.append(arena, try arena.dupeSentinel(u16, buffer[0..size], 0));
    }
}

/// The value of a string, or null if it is missing, of another type, or too long for a path.
fn text(arena: Allocator, key: *anyopaque, name: ?[:0]const u16) !?[]const u8 {
    var buffer: [4096]u16 = undefined;
    var size: u32 = @sizeOf(@TypeOf(buffer));
    var kind: u32 = 0;
    const reg_sz = 1;
    const value = if (name) |given| given.ptr else null;
    if (w.RegQueryValueExW(key, value, null, &kind, @ptrCast(&buffer), &size) != 0 or kind != reg_sz) return null;
    const letters = std.mem.sliceTo(buffer[0 .. size / 2], 0);
    return if (letters.len == 0) null else try std.unicode.wtf16LeToWtf8Alloc(arena, letters);
}
