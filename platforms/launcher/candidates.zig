//! The files of this machine that may be a Python, best first.
const std = @import("std");
const system = @import("system.zig");
const files = system.files;

pub const Candidate = struct {
    path: []const u8,
    /// Where it was found, for `--explain`.
    source: []const u8,
    /// Why it must not even be asked what it is.
    objection: ?[]const u8 = null,
};

const sources = if (system.is_windows) @import("candidates_windows.zig") else @import("candidates_posix.zig");

/// Where is looked, for messages.
pub const searched = sources.searched;

/// Every candidate that exists, each file once however many names it has.
pub fn list(arena: std.mem.Allocator) ![]const Candidate {
    var found: std.ArrayList(Candidate) = .empty;
    try sources.collect(arena, &found);
    var kept: std.ArrayList(Candidate) = .empty;
    var seen: std.ArrayList([2]u64) = .empty;
    for (found.items) |candidate| {
        const facts = files.look(arena, candidate.path) orelse continue;
        if (!facts.isExecutable() or contains(seen.items, facts.identity)) continue;
        try seen.append(arena, facts.identity);
        try kept.append(arena, candidate);
    }
    return kept.items;
}

fn contains(seen: []const [2]u64, identity: [2]u64) bool {
    for (seen) |one| if (std.meta.eql(one, identity)) return true;
    return false;
}
