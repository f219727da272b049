//! Which start of this machine it is. What was written in an earlier one is on the disk by now, or lost.
const std = @import("std");
const system = @import("system.zig");
const w = @import("windows.zig");
const files = system.files;
const Allocator = std.mem.Allocator;

/// A word that no other start of this machine has, or null if the system does not tell.
pub fn name(arena: Allocator) error{OutOfMemory}!?[]const u8 {
    var buffer: [64]u8 = undefined;
    const ask = if (system.is_windows) ofWindows else if (system.is_macos) ofMacos else ofLinux;
    const found = ask(arena, &buffer) orelse return null;
    if (found.len == 0) return null;
    for (found) |character| switch (character) {
        '0'...'9', 'A'...'Z', 'a'...'z', '-' => {},
        else => return null,
    };
    return try arena.dupe(u8, found);
}

fn ofLinux(arena: Allocator, buffer: *[64]u8) ?[]const u8 {
    const handle = files.openToRead(arena, "/proc/sys/kernel/random/boot_id") catch return null;
    defer files.close(handle);
    const length = files.read(handle, buffer) catch return null;
    return std.mem.trimEnd(u8, buffer[0..length], "\n");
}

fn ofMacos(_: Allocator, buffer: *[64]u8) ?[]const u8 {
    var length: usize = buffer.len;
    if (std.c.sysctlbyname("kern.bootsessionuuid", buffer, &length, null, 0) != 0) return null;
    return std.mem.sliceTo(buffer[0..length], 0);
}

/// The time of the start, without what it was put right by since: that changes whenever somebody sets the clock.
fn ofWindows(_: Allocator, buffer: *[64]u8) ?[]const u8 {
    var times: w.SystemTimes = .{};
    if (w.NtQuerySystemInformation(w.system_times, &times, @sizeOf(w.SystemTimes), null) != 0) return null;
    if (times.boot == 0) return null;
    return std.fmt.bufPrint(buffer, "{x}", .{times.boot -% times.boot_bias}) catch null;
}
