//! What the launcher needs of an operating system, under the same names on each.
//!
//! Not `std.Io`: its Windows side is made of calls that came with Windows 8 and 10, and the machines with a
//! `C:\Python25` are older than that. `files_windows.zig` and `process_windows.zig` use what Windows XP has.
const builtin = @import("builtin");

pub const is_windows = builtin.os.tag == .windows;
pub const is_macos = builtin.os.tag == .macos;

pub const files = if (is_windows) @import("files_windows.zig") else @import("files_posix.zig");
pub const process = if (is_windows) @import("process_windows.zig") else @import("process_posix.zig");
pub const threads = if (is_windows) @import("threads_windows.zig") else @import("threads_posix.zig");
