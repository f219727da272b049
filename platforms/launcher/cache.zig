//! What is known of the Pythons of this machine, kept in `pymw_pythons.txt` so that a later start costs no process.
//!
//! One line for each: size, time of change, time of the probe, the modules asked for, the verdict, the path; tabs
//! between. A damaged line is no line. Whoever writes last wins: the worst that is lost is a probe.
const std = @import("std");
const content = @import("content.zig");
const Place = @import("places.zig").Place;
const probe = @import("probe.zig");
const system = @import("system.zig");
const tree = @import("tree.zig");
const Version = @import("version.zig").Version;
const files = system.files;

const Cache = @This();

const file_name = "pymw_pythons.txt";
const header = "PyMW pythons 1";
const largest = 1024 * 1024;
/// A Python that hung or crashed may have been starved, not broken: it is asked again after a day.
const patience = 24 * 60 * 60;

const Entry = struct {
    path: []const u8,
    size: u64,
    modified: i64,
    probed: i64,
    modules: []const u8,
    verdict: probe.Verdict,
};

arena: std.mem.Allocator,
entries: std.ArrayList(Entry) = .empty,
changed: bool = false,

/// Reads the first of the places' cache files that is there.
pub fn load(arena: std.mem.Allocator, places: []const Place) !Cache {
    var cache: Cache = .{ .arena = arena };
    for (places) |place| {
        if (!place.isTrusted(arena)) continue;
        const bytes = content.read(arena, try tree.below(arena, place.folder, file_name), largest) catch continue;
        var lines = std.mem.tokenizeAny(u8, bytes, "\r\n");
        if (!std.mem.eql(u8, lines.next() orelse continue, header)) continue;
        while (lines.next()) |line| {
            if (parseEntry(line)) |entry| try cache.entries.append(arena, entry);
        }
        break;
    }
    return cache;
}

/// The verdict about a file that has not changed since, if the same modules were asked for.
pub fn find(cache: *const Cache, path: []const u8, facts: files.Facts, modules: []const []const u8) !?probe.Verdict {
    const wanted = try std.mem.join(cache.arena, ",", modules);
    for (cache.entries.items) |entry| {
        if (!std.mem.eql(u8, entry.path, path)) continue;
        if (entry.size != facts.size or entry.modified != facts.modified) continue;
        if (!std.mem.eql(u8, entry.modules, wanted)) continue;
        const age = system.process.now() - entry.probed;
        if (entry.verdict == .unusable and (age < 0 or age > patience)) continue;
        return entry.verdict;
    }
    return null;
}

pub fn add(
    cache: *Cache,
    path: []const u8,
    facts: files.Facts,
    modules: []const []const u8,
    verdict: probe.Verdict,
) !void {
    var index: usize = 0;
    while (index < cache.entries.items.len) {
        if (std.mem.eql(u8, cache.entries.items[index].path, path)) {
            _ = cache.entries.orderedRemove(index);
        } else index += 1;
    }
    try cache.entries.append(cache.arena, .{
        .path = path,
        .size = facts.size,
        .modified = facts.modified,
        .probed = system.process.now(),
        .modules = try std.mem.join(cache.arena, ",", modules),
        .verdict = verdict,
    });
    cache.changed = true;
}

/// Writes the cache into the first place that takes it; that none does is no error, the next start asks again.
pub fn save(cache: *Cache, places: []const Place) !void {
    if (!cache.changed) return;
    const text = try cache.format();
    for (places) |place| {
        place.prepare(cache.arena) catch continue;
        content.replace(cache.arena, try tree.below(cache.arena, place.folder, file_name), text) catch continue;
        return;
    }
}

fn format(cache: *const Cache) ![]const u8 {
    var text: std.Io.Writer.Allocating = .init(cache.arena);
    const out = &text.writer;
    try out.writeAll(header ++ "\n");
    for (cache.entries.items) |entry| {
        // A path may have any character but these two would end its line or field.
        if (std.mem.findAny(u8, entry.path, "\r\n\t") != null) continue;
        try out.print("{d}\t{d}\t{d}\t{s}\t", .{ entry.size, entry.modified, entry.probed, entry.modules });
        switch (entry.verdict) {
            .python => |python| try out.print("python {f} {d} {s}", .{ python.version, python.bits, python.missing }),
            .unusable => |why| {
                try out.writeAll("unusable ");
                for (why) |character| try out.writeByte(if (character < ' ') ' ' else character);
            },
        }
        try out.print("\t{s}\n", .{entry.path});
    }
    return text.written();
}

fn parseEntry(line: []const u8) ?Entry {
    var fields = std.mem.splitScalar(u8, line, '\t');
    const size = std.fmt.parseInt(u64, fields.next() orelse return null, 10) catch return null;
    const modified = std.fmt.parseInt(i64, fields.next() orelse return null, 10) catch return null;
    const probed = std.fmt.parseInt(i64, fields.next() orelse return null, 10) catch return null;
    const modules = fields.next() orelse return null;
    const verdict = parseVerdict(fields.next() orelse return null) orelse return null;
    const path = fields.next() orelse return null;
    if (path.len == 0 or fields.next() != null) return null;
    return .{
        .path = path,
        .size = size,
        .modified = modified,
        .probed = probed,
        .modules = modules,
        .verdict = verdict,
    };
}

fn parseVerdict(text: []const u8) ?probe.Verdict {
    const kind, const rest = std.mem.cutScalar(u8, text, ' ') orelse return null;
    if (std.mem.eql(u8, kind, "unusable")) return .{ .unusable = rest };
    if (!std.mem.eql(u8, kind, "python")) return null;
    var words = std.mem.splitScalar(u8, rest, ' ');
    const version = Version.parse(words.next() orelse return null) orelse return null;
    const bits = std.fmt.parseInt(u16, words.next() orelse return null, 10) catch return null;
    const missing = words.next() orelse return null;
    return .{ .python = .{ .version = version, .bits = bits, .missing = missing } };
}
