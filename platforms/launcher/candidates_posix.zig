//! Where a Python may be on Linux and macOS.
const std = @import("std");
const system = @import("system.zig");
const Candidate = @import("candidates.zig").Candidate;
const files = system.files;
const Allocator = std.mem.Allocator;
const List = std.ArrayList(Candidate);

const usual_folders: []const []const u8 = if (system.is_macos)
    &.{ "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin" }
else
    &.{ "/usr/bin", "/usr/local/bin" };

const frameworks = [_][]const u8{
    "/Library/Frameworks/Python.framework/Versions",
    "/System/Library/Frameworks/Python.framework/Versions",
};

pub const searched = if (system.is_macos)
    "PATH, /usr/bin, /usr/local/bin, /opt/homebrew/bin and the framework folders"
else
    "PATH, /usr/bin and /usr/local/bin";

/// Far beyond the newest minor version of Python 3.
const minor_limit = 60;

pub fn collect(arena: Allocator, found: *List) !void {
    var in_path: std.ArrayList([]const u8) = .empty;
    var entries = std.mem.splitScalar(u8, system.process.environment(arena, "PATH") orelse "", ':');
    while (entries.next()) |entry| {
        // A relative entry, or an empty one, is below the slot folder: nothing there is this machine's Python.
        if (std.fs.path.isAbsolute(entry)) try in_path.append(arena, entry);
    }
    try collectNames(arena, found, in_path.items, "PATH");
    try collectNames(arena, found, usual_folders, "usual folder");
    if (system.is_macos) for (frameworks) |versions| try collectFramework(arena, found, versions);
}

fn collectNames(arena: Allocator, found: *List, folders: []const []const u8, source: []const u8) !void {
    try collectName(arena, found, folders, source, "python3");
    var minor: u32 = minor_limit;
    while (minor > 0) : (minor -= 1) {
        try collectName(arena, found, folders, source, try std.fmt.allocPrint(arena, "python3.{d}", .{minor}));
    }
    try collectName(arena, found, folders, source, "python");
    try collectName(arena, found, folders, source, "python2");
}

fn collectName(
    arena: Allocator,
    found: *List,
    folders: []const []const u8,
    source: []const u8,
    name: []const u8,
) !void {
    for (folders) |folder| {
        const path = try std.mem.concat(arena, u8, &.{ std.mem.trimEnd(u8, folder, "/"), "/", name });
        if (files.look(arena, path) == null) continue;
        try found.append(arena, .{ .path = path, .source = source, .objection = installerStub(arena, path) });
    }
}

/// macOS without its developer tools has a /usr/bin/python3 that only opens a window offering to install them.
fn installerStub(arena: Allocator, path: []const u8) ?[]const u8 {
    if (!system.is_macos or !std.mem.startsWith(u8, path, "/usr/bin/python3")) return null;
    const tools = [_][]const u8{
        "/Library/Developer/CommandLineTools/usr/bin/python3",
        "/Applications/Xcode.app/Contents/Developer/usr/bin/python3",
    };
    for (tools) |tool| if (files.look(arena, tool) != null) return null;
    return "it is Apple's offer to install the developer tools";
}

fn collectFramework(arena: Allocator, found: *List, versions: []const u8) !void {
    const names = files.list(arena, versions) catch return;
    std.mem.sort([]const u8, @constCast(names), {}, isNewer);
    for (names) |name| {
        for ([_][]const u8{ "python3", "python" }) |program| {
            const path = try std.mem.concat(arena, u8, &.{ versions, "/", name, "/bin/", program });
            try found.append(arena, .{ .path = path, .source = "framework" });
        }
    }
}

fn isNewer(_: void, left: []const u8, right: []const u8) bool {
    const Version = @import("version.zig").Version;
    const oldest: Version = .{ .major = 0, .minor = 0 };
    return (Version.parse(right) orelse oldest).isBefore(Version.parse(left) orelse oldest);
}
