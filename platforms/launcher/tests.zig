//! `zig test tests.zig` runs the tests that stand in the modules: those of what no other program can see.
comptime {
    _ = @import("checksum.zig");
    _ = @import("command_line.zig");
    _ = @import("sha256.zig");
    _ = @import("store_windows.zig");
    _ = @import("version.zig");
}
