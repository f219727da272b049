//! The file that says that a runtime is whole: its first line names the payload and the start of the machine in which it
//! was unpacked or read through last, then size, checksum, time of change and name of each file, and the last line their
//! number, so that a marker that was cut short is none.
//!
//! Nothing is synced: whatever a power failure has left of a runtime is read through before it is used. Only where the
//! system does not tell one start of the machine from another, all is synced, and the marker good in any of them.
const std = @import("std");
const boot = @import("boot.zig");
const content = @import("content.zig");
const fast = @import("fast");
const files = @import("system.zig").files;
const process = @import("system.zig").process;
const tree = @import("tree.zig");
const Allocator = std.mem.Allocator;

const file_name = ".pymw_complete";
const header = "PyMW runtime 3 ";
/// In the name of a start of the machine's place: all of it is on the disk.
const durable = "synced";
const largest = 16 * 1024 * 1024;
/// Seconds for which the content of a runtime is believed. What rots on a disk changes neither size nor time.
const patience = 60 * 60;

/// A file of a runtime. `modified`: its time of change as the system has it.
pub const Entry = struct { size: u64, sum: u32, modified: i64 = 0, name: []const u8 };

const Said = struct { start: []const u8, entries: []const Entry };

/// `doubtful`: nothing speaks against it, but the content must be read again.
pub const State = enum { whole, doubtful, damaged };

/// Writes the marker of files that hold what they should at this moment.
pub fn write(arena: Allocator, folder: []const u8, sha256: [32]u8, entries: []const Entry) !void {
    var text: std.Io.Writer.Allocating = .init(arena);
    const out = &text.writer;
    const start = try boot.name(arena);
    try out.print(header ++ "{s} {s}\n", .{ std.fmt.bytesToHex(sha256, .lower), start orelse durable });
    for (entries) |entry| {
        const found = files.lookAtLink(arena, try tree.below(arena, folder, entry.name)) orelse return error.NotFound;
        try out.print("{d} {x:0>8} {d} {s}\n", .{ entry.size, entry.sum, found.modified, entry.name });
    }
    try out.print("end {d}\n", .{entries.len});
    const path = try tree.below(arena, folder, file_name);
    if (start == null) return content.replaceDurably(arena, path, text.written());
    try content.replace(arena, path, text.written());
}

/// Whether a folder holds all that its marker names, as far as that can be told without reading it.
pub fn look(arena: Allocator, folder: []const u8, sha256: [32]u8) error{OutOfMemory}!State {
    const said = try read(arena, folder, sha256) orelse return .damaged;
    const is_believed = try isFresh(arena, folder) and try isOfThisStart(arena, said.start);
    var state: State = if (is_believed) .whole else .doubtful;
    for (said.entries) |entry| {
        const found = files.lookAtLink(arena, try tree.below(arena, folder, entry.name)) orelse return .damaged;
        if (found.kind != .file or found.size != entry.size) return .damaged;
        if (found.modified != entry.modified) state = .doubtful;
    }
    return state;
}

/// Reads all of a runtime. If it is whole, its marker says so with the time of now.
pub fn verify(arena: Allocator, folder: []const u8, sha256: [32]u8) error{OutOfMemory}!bool {
    const entries = (try read(arena, folder, sha256) orelse return false).entries;
    const buffer = try arena.alloc(u8, 1024 * 1024);
    for (entries) |entry| {
        const path = try tree.below(arena, folder, entry.name);
        const found = files.lookAtLink(arena, path) orelse return false;
        if (found.kind != .file or found.size != entry.size) return false;
        if (entry.sum != sumOf(arena, path, buffer) catch return false) return false;
    }
    // Where that can't be written the next start reads all again.
    write(arena, folder, sha256, entries) catch |err| if (err == error.OutOfMemory) return error.OutOfMemory;
    return true;
}

/// Without its marker a runtime is damaged.
pub fn remove(arena: Allocator, folder: []const u8) error{OutOfMemory}!void {
    files.removeFile(arena, try tree.below(arena, folder, file_name)) catch {};
}

fn sumOf(arena: Allocator, path: []const u8, buffer: []u8) files.Error!u32 {
    const handle = try files.openToRead(arena, path);
    defer files.close(handle);
    var sum: fast.Sum = .{};
    while (true) {
        const filled = try files.read(handle, buffer);
        sum.update(buffer[0..filled]);
        if (filled < buffer.len) return sum.final();
    }
}

fn isFresh(arena: Allocator, folder: []const u8) !bool {
    const found = files.look(arena, try tree.below(arena, folder, file_name)) orelse return false;
    const age = process.now() - found.changedAt();
    return age >= -patience and age < patience;
}

fn isOfThisStart(arena: Allocator, start: []const u8) !bool {
    if (std.mem.eql(u8, start, durable)) return true;
    return std.mem.eql(u8, start, try boot.name(arena) orelse return false);
}

/// What a marker says, or null if it is not whole.
fn read(arena: Allocator, folder: []const u8, sha256: [32]u8) error{OutOfMemory}!?Said {
    const text = content.read(arena, try tree.below(arena, folder, file_name), largest) catch |err| switch (err) {
        error.OutOfMemory => |e| return e,
        else => return null,
    };
    var lines = std.mem.splitScalar(u8, text, '\n');
    const named = std.mem.cutPrefix(u8, lines.first(), header) orelse return null;
    const payload, const start = std.mem.cutScalar(u8, named, ' ') orelse return null;
    if (!std.mem.eql(u8, payload, &std.fmt.bytesToHex(sha256, .lower))) return null;
    var entries: std.ArrayList(Entry) = .empty;
    while (lines.next()) |line| {
        if (std.mem.cutPrefix(u8, line, "end ")) |count| {
            const is_whole = isCount(count, entries.items.len) and lines.rest().len == 0;
            return if (is_whole) .{ .start = start, .entries = entries.items } else null;
        }
        try entries.append(arena, parse(line) orelse return null);
    }
    return null;
}

fn parse(line: []const u8) ?Entry {
    var words = std.mem.splitScalar(u8, line, ' ');
    const entry: Entry = .{
        .size = std.fmt.parseInt(u64, words.first(), 10) catch return null,
        .sum = std.fmt.parseInt(u32, words.next() orelse return null, 16) catch return null,
        .modified = std.fmt.parseInt(i64, words.next() orelse return null, 10) catch return null,
        .name = words.rest(),
    };
    return if (tree.isSafe(entry.name)) entry else null;
}

fn isCount(text: []const u8, count: usize) bool {
    return count == std.fmt.parseInt(usize, text, 10) catch return false;
}
