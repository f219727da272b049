//! `--explain`: what the launcher would do here, and why. Probes, but starts, unpacks and writes nothing.
const std = @import("std");
const Cache = @import("cache.zig");
const candidates = @import("candidates.zig");
const choice = @import("choice.zig");
const messages = @import("messages.zig");
const probe = @import("probe.zig");
const search = @import("search.zig");
const Setting = @import("setting.zig").Setting;

/// The exit status: 0 if a worker would be started, 206 if not.
pub fn run(here: Setting) !u32 {
    const modules = here.config.modules;
    messages.print("looking for: Python {f}; for this job: {f}; bits: {s}; modules: {s}; preferred: {s}", .{
        here.requirement().application,
        here.arguments.python,
        if (here.config.bits) |bits| messages.text("{d}", .{bits}) else "any",
        if (modules.len == 0) "none" else try std.mem.join(here.arena, ", ", modules),
        @tagName(here.config.prefer),
    });
    const found = try printCandidates(here);
    const embedded = try printRuntime(here);
    const chosen = switch (here.config.prefer) {
        .system => found orelse embedded,
        .embedded => embedded orelse found,
    };
    messages.print("choice: {s}", .{chosen orelse "none fits"});
    return if (chosen == null) 206 else 0;
}

fn printCandidates(here: Setting) !?[]const u8 {
    var cache: Cache = try .load(here.arena, here.places);
    var chosen: ?[]const u8 = null;
    for (try candidates.list(here.arena)) |candidate| {
        const examined = try search.examine(here.arena, &cache, candidate, here.config.modules);
        const objection = here.requirement().objection(examined.verdict);
        if (objection == null and chosen == null) chosen = candidate.path;
        messages.print("{s}  {s}  [{s}{s}]", .{
            candidate.path,
            objection orelse fits(examined.verdict.python),
            candidate.source,
            if (examined.is_known) ", known" else ", asked",
        });
    }
    return chosen;
}

fn fits(python: probe.Python) []const u8 {
    return messages.text("fits: Python {f}, {d} bits", .{ python.version, python.bits });
}

fn printRuntime(here: Setting) !?[]const u8 {
    const runtime = here.runtime() orelse {
        messages.print("payload: none", .{});
        return null;
    };
    const objection = choice.embeddedObjection(here);
    messages.print("payload: {s}  {s}", .{ runtime.payload.file, objection orelse "fits" });
    for (here.places) |place| {
        messages.print("{s}  {s}", .{ try runtime.path(place, ""), @tagName(try runtime.look(place)) });
    }
    return if (objection == null) runtime.payload.file else null;
}
