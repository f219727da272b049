//! How the launcher ends when no worker was started.
const std = @import("std");
const content = @import("content.zig");
const messages = @import("messages.zig");
const process = @import("system.zig").process;
const isUnderClient = @import("setting.zig").isUnderClient;

/// BOINC's EXIT_INIT_FAILURE.
const init_failure = 206;

/// Seconds until the client starts the job again: a disk is not freed within minutes, and each try counts towards
/// the hundred that a client allows.
const postponement = 30 * 60;

/// Says why, and ends the process. What may pass is a temporary exit under a client.
pub fn fail(arena: std.mem.Allocator, err: anyerror) noreturn {
    // The only writer that can fail here is one into memory.
    const lacks_memory = err == error.OutOfMemory or err == error.WriteFailed;
    if (lacks_memory) messages.reason = "failed to get memory: the machine has none to spare; it is tried again later";
    messages.say("{s}", .{messages.reason});
    const may_pass = err == error.Temporary or lacks_memory;
    if (may_pass and isUnderClient(arena)) exitForNow(arena);
    process.exit(init_failure);
}

/// The client reads the file only if it has the second line.
fn exitForNow(arena: std.mem.Allocator) noreturn {
    const text = messages.text("{d}\n{s}\n", .{ postponement, messages.reason });
    content.replace(arena, "boinc_temporary_exit", text) catch process.exit(init_failure);
    process.exit(0);
}
