//! `python` at the root of an embedded runtime for Linux: starts the real one with the runtime's own loader and C
//! library, so that it runs on any Linux, with an older libc, another one, or none.
const std = @import("std");
const messages = @import("messages.zig");
const system = @import("system.zig");
const tree = @import("tree.zig");

pub const main = system.process.Entry(run).main;
pub const panic = std.debug.no_panic;

comptime {
    @export(&main, .{ .name = system.process.entry_name });
}

fn run(arena: std.mem.Allocator, arguments: []const []const u8) noreturn {
    const err = become(arena, arguments);
    const cause = system.files.cause(arena);
    messages.say("failed to start the embedded Python: {s} ({t}); unpack it again", .{ cause, err });
    system.process.exit(126);
}

/// Returns only if it fails.
fn become(arena: std.mem.Allocator, arguments: []const []const u8) anyerror {
    const own = system.process.ownPath(arena) orelse return error.OwnPathUnknown;
    const root = std.fs.path.dirname(own).?;
    const loader = try tree.below(arena, root, "lib/ld.so");
    // Python finds its library, and what sys.executable is, by the name that it was started with: ours.
    const libraries = try tree.below(arena, root, "lib");
    const python = try tree.below(arena, root, "bin/python");
    const loading: []const []const u8 = &.{ "--argv0", own, "--library-path", libraries, python };
    return system.process.replace(arena, loader, try std.mem.concat(arena, []const u8, &.{ loading, arguments }));
}
