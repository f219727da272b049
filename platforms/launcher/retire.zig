//! Runtimes that nobody has used for a while: those of earlier payloads, mostly.
const std = @import("std");
const messages = @import("messages.zig");
const Place = @import("places.zig").Place;
const system = @import("system.zig");
const tree = @import("tree.zig");
const files = system.files;
const Allocator = std.mem.Allocator;

pub const prefix = "pymw_runtime_";
pub const digits = 16;

const day = 24 * 60 * 60;
/// Seconds. A project may have no work for days; unpacking again costs a second or two.
pub const usual_age = 14 * day;

/// Removes what has not been used for so many seconds and is not in use, and what was left half unpacked or half
/// removed. What can't be removed stays: nobody needs it gone.
pub fn sweep(arena: Allocator, place: Place, age: i64) error{OutOfMemory}!void {
    if (!place.isTrusted(arena)) return;
    const found = files.list(arena, place.folder) catch |err| return ifNoMemory(err);
    for (found) |name| {
        if (!isOurs(name)) continue;
        if (isRuntime(name) and !try isOld(arena, place, name, age)) continue;
        remove(arena, place, name, age) catch |err| try ifNoMemory(err);
    }
}

fn ifNoMemory(err: files.Error) error{OutOfMemory}!void {
    if (err == error.OutOfMemory) return error.OutOfMemory;
}

/// A runtime, or one that was being unpacked or removed when somebody was killed.
fn isOurs(name: []const u8) bool {
    const rest = std.mem.cutPrefix(u8, name, prefix) orelse return false;
    if (rest.len < digits) return false;
    for (rest[0..digits]) |digit| if (!std.ascii.isHex(digit)) return false;
    return isRuntime(name) or (rest[digits] == '.' and std.mem.endsWith(u8, rest, ".tmp"));
}

fn isRuntime(name: []const u8) bool {
    return name.len == prefix.len + digits;
}

fn isOld(arena: Allocator, place: Place, name: []const u8, age: i64) !bool {
    const path = try tree.below(arena, place.folder, name);
    const found = files.lookAtLink(arena, path) orelse return false;
    if (found.kind != .folder) return false;
    const since = system.process.now() - found.changedAt();
    // The clock was wrong then: its time begins now.
    if (since < -day) files.touch(files.holdFolder(arena, path, .shared) catch return false);
    return since >= age;
}

/// Only with the lock, so that nobody unpacks it, and with the folder alone, so that nobody uses it.
fn remove(arena: Allocator, place: Place, name: []const u8, age: i64) files.Error!void {
    const path = try tree.below(arena, place.folder, name);
    const own = name[0 .. prefix.len + digits];
    const lock_path = try tree.below(arena, place.folder, try std.mem.concat(arena, u8, &.{ own, ".lock" }));
    const lock = try files.openToLock(arena, lock_path);
    defer files.close(lock);
    if (!try files.tryLock(lock)) return;
    if (!isRuntime(name)) return tree.remove(arena, path);
    const aside = try std.fmt.allocPrint(arena, "{s}.{d}-{x}.tmp", .{
        path,
        system.process.id(),
        system.process.uniqueNumber(),
    });
    {
        const alone = try files.holdFolder(arena, path, .alone);
        defer files.close(alone);
        // A start may have come and gone since.
        if (!try isOld(arena, place, name, age)) return;
        try files.rename(arena, path, aside);
    }
    messages.say("removed the runtime {s}, which nobody uses any more", .{path});
    try tree.remove(arena, aside);
}
