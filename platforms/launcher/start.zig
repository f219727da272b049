//! Starts the worker.
const std = @import("std");
const messages = @import("messages.zig");
const Setting = @import("setting.zig").Setting;
const system = @import("system.zig");

/// `python ARCHIVE.zip` would need Python 2.6; this works in 2.5.
const bootstrap = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.__main__ as m;m.main()";

/// Becomes the worker, or on Windows waits for it and ends with its exit status. Returns only if it can't be started.
pub fn worker(here: Setting, python: []const u8) !noreturn {
    const archive = try here.workerArchive();
    const arguments = try std.mem.concat(here.arena, []const u8, &.{
        &.{ "-E", "-c", bootstrap, system.process.pathArgument(archive) },
        // Before those of the job, so that no argument of the server's can come between.
        if (here.config.trust) |keys| &.{ "--trust", keys } else &.{},
        if (here.config.revoked) |ids| &.{ "--revoked", ids } else &.{},
        here.arguments.worker,
    });
    const err = system.process.replace(here.arena, python, arguments);
    return messages.because(
        if (err == error.OutOfMemory) error.Temporary else error.Unusable,
        "failed to start {s}: {s}; reset the project, or install Python",
        .{ python, system.files.cause(here.arena) },
    );
}
