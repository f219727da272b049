//! A runtime that is used: held, so that nobody removes it meanwhile, and doubted until its Python has run.
//!
//! The folder itself is what is held: shared by all who use the runtime, alone by whoever removes it. Its time of
//! change is when it was last used.
const std = @import("std");
const process = @import("system.zig").process;
const files = @import("system.zig").files;
const tree = @import("tree.zig");
const Allocator = std.mem.Allocator;

const doubt_name = ".pymw_doubt";
/// Seconds after which a start that is on its way still is none: its Python has not come to run the worker.
const slowest_start = 60;
/// Milliseconds until we go on without holding it. Others have it alone for moments only.
const patience = 5000;

/// The file that each start leaves in a runtime, and the worker removes.
pub fn doubtFile(arena: Allocator, folder: []const u8) ![]const u8 {
    return tree.below(arena, folder, doubt_name);
}

/// Holds a runtime for as long as this process lives, the worker that it becomes included, and leaves the doubt.
/// False if it has gone. Where a file system has no locks, nobody else can have it alone, and remove it.
pub fn begin(arena: Allocator, folder: []const u8) error{OutOfMemory}!bool {
    const deadline = process.milliseconds() + patience;
    while (true) {
        if (files.holdFolder(arena, folder, .shared)) |handle| {
            files.touch(handle);
            break;
        } else |err| switch (err) {
            error.OutOfMemory => |e| return e,
            error.NotFound => return false,
            error.InUse => if (process.milliseconds() < deadline) process.sleep(5) else break,
            else => break,
        }
    }
    // That of another start will do; where none can be written damage is found within an hour.
    if (files.create(arena, try doubtFile(arena, folder), false)) |handle| files.close(handle) else |_| {}
    return true;
}

/// Whether a start has come to nothing: its file is there, and nobody who could remove it, or not in time.
pub fn isDoubted(arena: Allocator, folder: []const u8) !bool {
    const found = files.lookAtLink(arena, try doubtFile(arena, folder)) orelse return false;
    const age = process.now() - found.changedAt();
    if (age < 0 or age > slowest_start) return true;
    files.close(files.holdFolder(arena, folder, .alone) catch return false);
    return true;
}
