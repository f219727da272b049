//! Starts the worker.
const std = @import("std");
const choice = @import("choice.zig");
const messages = @import("messages.zig");
const Setting = @import("setting.zig").Setting;
const system = @import("system.zig");

/// `python ARCHIVE.zip` would need Python 2.6; this works in 2.5.
const bootstrap = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.__main__ as m;m.main()";

/// The same in an embedded runtime: the worker is told what to remove when it has come this far, and who verifies.
const embedded_bootstrap = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.embedded as m;m.main()";

/// Becomes the worker, or on Windows waits for it and ends with its exit status. Returns only if it can't be started.
pub fn worker(here: Setting, python: choice.Python) !noreturn {
    const archive = try here.workerArchive();
    // With the variables of a task's process, which -E would hide, the worker forks the task: no second Python starts.
    const forks = python.doubt != null and try system.process.prepareToFork(here.arena);
    const arguments = try std.mem.concat(here.arena, []const u8, &.{
        if (forks) &.{} else &.{"-E"},
        &.{ "-c", if (python.doubt == null) bootstrap else embedded_bootstrap },
        &.{system.process.pathArgument(archive)},
        if (python.doubt) |path| &.{ system.process.pathArgument(path), system.process.pathArgument(here.own) } else &.{},
        // Before those of the job, so that no argument of the server's can come between.
        if (here.config.trust) |keys| &.{ "--trust", keys } else &.{},
        if (here.config.revoked) |ids| &.{ "--revoked", ids } else &.{},
        here.arguments.worker,
    });
    const err = system.process.replace(here.arena, python.path, arguments);
    return messages.because(
        if (err == error.OutOfMemory) error.Temporary else error.Unusable,
        "failed to start {s}: {s}; reset the project, or install Python",
        .{ python.path, system.files.cause(here.arena) },
    );
}
