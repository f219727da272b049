//! `python.exe` (macOS: `python`) at the root of an embedded runtime: loads the Python library beside it and runs its
//! main function, as the program of the same name in any installation does.
const std = @import("std");
const messages = @import("messages.zig");
const system = @import("system.zig");
const library = if (system.is_windows) @import("library_windows.zig") else @import("library_macos.zig");

pub const main = system.process.Entry(run).main;
/// Tells std.start so.
pub const wWinMainCRTStartup = main;
pub const panic = std.debug.no_panic;

comptime {
    @export(&main, .{ .name = system.process.entry_name });
}

fn run(arena: std.mem.Allocator, arguments: []const []const u8) noreturn {
    const status = library.run(arena, arguments) catch |err| {
        messages.say("failed to start the embedded Python: {s} ({t}); unpack it again", .{ messages.reason, err });
        system.process.exit(126);
    };
    system.process.exit(@bitCast(status));
}
