//! Where a Python may be on Windows.
const std = @import("std");
const registry = @import("registry_windows.zig");
const store = @import("store_windows.zig");
const system = @import("system.zig");
const Candidate = @import("candidates.zig").Candidate;
const files = system.files;
const Allocator = std.mem.Allocator;
const List = std.ArrayList(Candidate);

pub const searched = "PATH, the registry, the usual install folders, and C:\\Python27, C:\\Python26 and C:\\Python25";

pub fn collect(arena: Allocator, found: *List) !void {
    try collectPath(arena, found);
    for (try registry.pythons(arena)) |path| try add(arena, found, path, "registry");
    try collectFolders(arena, found, variable(arena, "LOCALAPPDATA", "\\Programs\\Python"));
    // Where the Python install manager of 2025 puts them: pythoncore-3.14-64.
    try collectFolders(arena, found, variable(arena, "LOCALAPPDATA", "\\Python"));
    try collectFolders(arena, found, variable(arena, "ProgramFiles", ""));
    try collectFolders(arena, found, variable(arena, "ProgramW6432", ""));
    try collectFolders(arena, found, variable(arena, "ProgramFiles(x86)", ""));
    try collectFolders(arena, found, "C:\\");
    for ([_][]const u8{ "C:\\Python27", "C:\\Python26", "C:\\Python25" }) |folder| {
        try add(arena, found, try std.mem.concat(arena, u8, &.{ folder, "\\python.exe" }), "install folder");
    }
}

fn variable(arena: Allocator, name: []const u8, below: []const u8) ?[]const u8 {
    const value = system.process.environment(arena, name) orelse return null;
    return std.mem.concat(arena, u8, &.{ value, below }) catch null;
}

fn collectPath(arena: Allocator, found: *List) !void {
    var entries = std.mem.tokenizeScalar(u8, system.process.environment(arena, "PATH") orelse "", ';');
    while (entries.next()) |entry| {
        const folder = std.mem.trimEnd(u8, std.mem.trim(u8, entry, "\" "), "\\");
        // A relative entry is below the slot folder: nothing there is this machine's Python.
        if (!std.fs.path.isAbsolute(folder)) continue;
        for ([_][]const u8{ "\\python.exe", "\\python3.exe" }) |name| {
            try add(arena, found, try std.mem.concat(arena, u8, &.{ folder, name }), "PATH");
        }
    }
}

/// Python3* folders below one folder, newest first.
fn collectFolders(arena: Allocator, found: *List, above: ?[]const u8) !void {
    const folder = above orelse return;
    var versions: std.ArrayList([]const u8) = .empty;
    for (files.list(arena, folder) catch return) |name| {
        if (minorOf(name) != null) try versions.append(arena, name);
    }
    std.mem.sort([]const u8, versions.items, {}, isNewer);
    for (versions.items) |name| {
        const path = try std.mem.concat(arena, u8, &.{ std.mem.trimEnd(u8, folder, "\\"), "\\", name, "\\python.exe" });
        try add(arena, found, path, "install folder");
    }
}

fn isNewer(_: void, left: []const u8, right: []const u8) bool {
    return minorOf(left).? > minorOf(right).?;
}

/// 11 of Python311, Python311-32, pythoncore-3.11-64.
fn minorOf(name: []const u8) ?u16 {
    var lower: [64]u8 = undefined;
    if (name.len > lower.len) return null;
    const text = std.ascii.lowerString(&lower, name);
    const digits = std.mem.cutPrefix(u8, text, "pythoncore-3.") orelse
        std.mem.cutPrefix(u8, text, "python3") orelse return null;
    const end = std.mem.findNone(u8, digits, "0123456789") orelse digits.len;
    return std.fmt.parseInt(u16, digits[0..end], 10) catch null;
}

fn add(arena: Allocator, found: *List, path: []const u8, source: []const u8) !void {
    const facts = files.look(arena, path) orelse return;
    const objection: ?[]const u8 = if (facts.size == 0 and store.isInstallerStub(arena, path))
        "it is the Store's offer to install Python"
    else
        null;
    try found.append(arena, .{ .path = path, .source = source, .objection = objection });
}
