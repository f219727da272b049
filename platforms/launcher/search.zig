//! The first Python of this machine that fits the job.
const std = @import("std");
const Cache = @import("cache.zig");
const Candidate = @import("candidates.zig").Candidate;
const content = @import("content.zig");
const files = @import("system.zig").files;
const messages = @import("messages.zig");
const probe = @import("probe.zig");
const Range = @import("version.zig").Range;
const Allocator = std.mem.Allocator;

pub const Requirement = struct {
    /// Of the application (its configuration) and of this job (`--python`).
    application: Range,
    job: Range,
    bits: ?u16,
    modules: []const []const u8,

    /// Why a Python cannot be used, or null if it can.
    pub fn objection(requirement: Requirement, verdict: probe.Verdict) ?[]const u8 {
        const python = switch (verdict) {
            .unusable => |why| return why,
            .python => |python| python,
        };
        if (!requirement.application.contains(python.version)) return messages.text(
            "it is {f}, the application needs {f}",
            .{ python.version, requirement.application },
        );
        if (!requirement.job.contains(python.version)) return messages.text(
            "it is {f}, the job needs {f}",
            .{ python.version, requirement.job },
        );
        if (requirement.bits) |bits| if (python.bits != bits) return messages.text(
            "it has {d} bits, the application needs {d}",
            .{ python.bits, bits },
        );
        if (python.missing.len > 0) return messages.text("it lacks {s}", .{python.missing});
        return null;
    }
};

pub const Examined = struct { verdict: probe.Verdict, is_known: bool };

/// What a candidate is: from the cache, or by asking it.
pub fn examine(arena: Allocator, cache: *Cache, candidate: Candidate, modules: []const []const u8) !Examined {
    if (candidate.objection) |why| return .{ .verdict = .{ .unusable = why }, .is_known = true };
    const facts = files.look(arena, candidate.path) orelse
        return .{ .verdict = .{ .unusable = "it is gone" }, .is_known = false };
    if (try cache.find(candidate.path, facts, modules)) |verdict| return .{ .verdict = verdict, .is_known = true };
    const verdict = try probe.run(arena, candidate.path, modules);
    if (!isForwarder(arena, candidate.path)) try cache.add(candidate.path, facts, modules, verdict);
    return .{ .verdict = verdict, .is_known = false };
}

/// A script (pyenv's shims) or a Store alias starts another program, which can change without it changing: its
/// verdict holds only now.
fn isForwarder(arena: Allocator, path: []const u8) bool {
    return content.beginsWith(arena, path, "#!") orelse true;
}

/// Path of the first candidate without objection. Those passed over are said once: one line for each that was
/// asked, one line for all that were known before.
pub fn first(arena: Allocator, cache: *Cache, candidates: []const Candidate, requirement: Requirement) !?[]const u8 {
    var known: std.ArrayList([]const u8) = .empty;
    defer if (known.items.len > 0) sayKnown(arena, known.items);
    for (candidates) |candidate| {
        const examined = try examine(arena, cache, candidate, requirement.modules);
        const objection = requirement.objection(examined.verdict) orelse return candidate.path;
        if (examined.is_known) {
            try known.append(arena, messages.text("{s} ({s})", .{ candidate.path, objection }));
        } else messages.say("passed over {s}: {s}", .{ candidate.path, objection });
    }
    return null;
}

fn sayKnown(arena: Allocator, known: []const []const u8) void {
    messages.say("passed over, as before: {s}", .{std.mem.join(arena, ", ", known) catch return});
}
