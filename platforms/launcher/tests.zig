//! `zig test tests.zig` runs the tests that stand in the modules: those of what no other program can see.
comptime {
    _ = @import("fast/checksum.zig");
    _ = @import("command_line.zig");
    _ = @import("fast/sha256.zig");
    _ = @import("store_windows.zig");
    _ = @import("version.zig");
}
