//! The launcher's own arguments, taken out of those for the worker.
const std = @import("std");
const messages = @import("messages.zig");
const Range = @import("version.zig").Range;

pub const Arguments = struct {
    python: Range = .{},
    explain: bool = false,
    /// The folder of a runtime to be read through, instead of starting anything.
    verify: ?[]const u8 = null,
    worker: []const []const u8,
};

/// Takes out what docs/launcher.md names, up to `--`; the rest keeps its order.
pub fn parse(arena: std.mem.Allocator, given: []const []const u8) !Arguments {
    var arguments: Arguments = .{ .worker = &.{} };
    // Stands alone, so that the command line of a job that has other arguments cannot contain it.
    if (given.len == 2 and std.mem.eql(u8, given[0], "--verify")) {
        arguments.verify = given[1];
        return arguments;
    }
    var worker: std.ArrayList([]const u8) = .empty;
    var index: usize = 0;
    while (index < given.len) : (index += 1) {
        const argument = given[index];
        if (std.mem.eql(u8, argument, "--")) {
            try worker.appendSlice(arena, given[index + 1 ..]);
            break;
        } else if (std.mem.eql(u8, argument, "--explain")) {
            arguments.explain = true;
        } else if (std.mem.eql(u8, argument, "--python")) {
            index += 1;
            arguments.python = try parseRange(if (index < given.len) given[index] else "");
        } else try worker.append(arena, argument);
    }
    arguments.worker = worker.items;
    return arguments;
}

fn parseRange(text: []const u8) !Range {
    return Range.parse(text) orelse messages.because(
        error.Unusable,
        "failed to understand --python \"{s}\": it is not of the form 3.11, 2.7-3.12 or 3.8-; " ++
            "correct the command line of the job",
        .{text},
    );
}
