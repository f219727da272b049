//! What the launcher needs of an operating system, under the same names on each.
//!
//! Not `std.Io`: its Windows side is made of calls that came with Windows 8 and 10, and the machines with a
//! `C:\Python25` are older than that. `files_windows.zig` and `process_windows.zig` use what Windows XP has.
const builtin = @import("builtin");
const std = @import("std");

pub const is_windows = builtin.os.tag == .windows;
pub const is_macos = builtin.os.tag == .macos;

pub const files = if (is_windows) @import("files_windows.zig") else @import("files_posix.zig");
pub const process = if (is_windows) @import("process_windows.zig") else @import("process_posix.zig");
pub const threads = if (is_windows) @import("threads_windows.zig") else @import("threads_posix.zig");

/// Tells the system that all of a large piece of memory will be written: Linux then gives it in pages of 2 MiB, if it has
/// them, and saves two thousand interruptions for a window of 8 MiB. No harm is done where that is refused.
pub fn expectUse(memory: []u8) void {
    if (builtin.os.tag != .linux) return;
    const page = std.heap.pageSize();
    const first = std.mem.alignForward(usize, @intFromPtr(memory.ptr), page);
    const end = std.mem.alignBackward(usize, @intFromPtr(memory.ptr) + memory.len, page);
    if (first < end) _ = std.c.madvise(@ptrFromInt(first), end - first, std.c.MADV.HUGEPAGE);
}
