//! The program that a BOINC client starts: finds a Python or unpacks one, and starts the worker with it.
const std = @import("std");
const choice = @import("choice.zig");
const ending = @import("ending.zig");
const explain = @import("explain.zig");
const retire = @import("retire.zig");
const setting = @import("setting.zig");
const start = @import("start.zig");
const process = @import("system.zig").process;

/// Ours, not the std's: that of Windows would need calls that XP lacks, and cuts exit statuses to 8 bits.
pub const main = process.Entry(launch).main;
/// Tells std.start so.
pub const wWinMainCRTStartup = main;
pub const panic = std.debug.no_panic;

comptime {
    @export(&main, .{ .name = process.entry_name });
}

/// BOINC's tools read the version of the protocol that an application speaks from this text in it.
pub export const boinc_api_version: [*:0]const u8 = "API_VERSION_7.20.0";

fn launch(arena: std.mem.Allocator, arguments: []const []const u8) noreturn {
    std.mem.doNotOptimizeAway(&boinc_api_version);
    const here = setting.read(arena, arguments) catch |err| ending.fail(arena, err);
    if (here.arguments.explain) process.exit(explain.run(here) catch |err| ending.fail(arena, err));
    if (here.arguments.verify) |folder| process.exit(verify(here, folder) catch |err| ending.fail(arena, err));
    const python = choice.python(here) catch |err| ending.fail(arena, err);
    for (here.places) |place| retire.sweep(arena, place, retire.usual_age) catch |err| ending.fail(arena, err);
    start.worker(here, python) catch |err| ending.fail(arena, err);
}

/// The exit status: 0 if the runtime is whole, 1 if not; it is not used again then.
fn verify(here: setting.Setting, folder: []const u8) !u32 {
    const runtime = here.runtime() orelse return 1;
    if (try runtime.verify(folder)) return 0;
    try runtime.condemn(folder);
    return 1;
}
