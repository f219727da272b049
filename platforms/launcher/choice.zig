//! Which Python runs the worker: one of this machine or the embedded one, in the order that the configuration prefers.
const std = @import("std");
const Cache = @import("cache.zig");
const candidates = @import("candidates.zig");
const messages = @import("messages.zig");
const search = @import("search.zig");
const Setting = @import("setting.zig").Setting;
const tree = @import("tree.zig");
const use = @import("use.zig");

/// A Python to start. `doubt`: of an embedded one, the file to be removed as soon as it runs the worker.
pub const Python = struct { path: []const u8, doubt: ?[]const u8 = null };

/// The Python to start. If neither kind can be had the error is the more hopeful one: what may pass.
pub fn python(here: Setting) !Python {
    switch (here.config.prefer) {
        .system => return try ofThisMachine(here) orelse try embedded(here),
        .embedded => {
            const failure = if (embedded(here)) |found| return found else |err| err;
            const why = messages.reason;
            if (failure != error.Absent) messages.say("{s}", .{why});
            return try ofThisMachine(here) orelse {
                messages.reason = why;
                return failure;
            };
        },
    }
}

fn ofThisMachine(here: Setting) !?Python {
    var cache: Cache = try .load(here.arena, here.places);
    const found = try search.first(here.arena, &cache, try candidates.list(here.arena), here.requirement());
    try cache.save(here.places);
    return .{ .path = found orelse return null };
}

fn embedded(here: Setting) !Python {
    const runtime = here.runtime() orelse return messages.because(
        error.Absent,
        "failed to find {s}, and the package brings none; install one",
        .{try sought(here)},
    );
    if (embeddedObjection(here)) |objection| return messages.because(
        error.Absent,
        "failed to find {s}, and of that in the package: {s}; install one",
        .{ try sought(here), objection },
    );
    const folder = try runtime.prepare();
    return .{
        .path = try tree.below(here.arena, folder, runtime.payload.python),
        .doubt = try use.doubtFile(here.arena, folder),
    };
}

/// Why the payload is no Python for this job, or null.
pub fn embeddedObjection(here: Setting) ?[]const u8 {
    const version = (here.config.payload orelse return "there is none").version;
    if (here.arguments.python.contains(version)) return null;
    return messages.text("it is {f}, the job needs {f}", .{ version, here.arguments.python });
}

/// What was looked for and where, as part of a sentence.
fn sought(here: Setting) ![]const u8 {
    const requirement = here.requirement();
    var words: std.ArrayList([]const u8) = .empty;
    try words.append(here.arena, messages.text("{f}", .{requirement.application}));
    if (requirement.job.oldest != null) {
        try words.append(here.arena, messages.text("for this job {f}", .{requirement.job}));
    }
    if (requirement.bits) |bits| try words.append(here.arena, messages.text("{d} bits", .{bits}));
    if (requirement.modules.len > 0) {
        const modules = try std.mem.join(here.arena, ", ", requirement.modules);
        try words.append(here.arena, messages.text("with {s}", .{modules}));
    }
    const properties = try std.mem.join(here.arena, "; ", words.items);
    return messages.text("a Python ({s}) in {s}", .{ properties, candidates.searched });
}
