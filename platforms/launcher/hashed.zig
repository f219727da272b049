//! A file read whole and hashed: a second thread hashes each piece as soon as the first has read it.
const std = @import("std");
const content = @import("content.zig");
const fast = @import("fast");
const system = @import("system.zig");
const files = system.files;
const threads = system.threads;

pub const Hashed = struct { bytes: []const u8, sha256: [32]u8 };

const piece = 256 * 1024;

/// All bytes of a file of at most `largest` bytes.
pub fn read(arena: std.mem.Allocator, path: []const u8, largest: u64) files.Error!Hashed {
    const file = try content.open(arena, path, largest);
    defer files.close(file.handle);
    var work: Work = .{ .buffer = file.buffer, .read = threads.Counter.init(0) orelse return error.Failed };
    defer work.read.deinit();
    const thread = threads.start(Work, Work.hashPieces, &work);
    const length = work.readAll(file.handle);
    // What is not hashed by now this thread hashes as fast. Without a second thread that is all.
    @atomicStore(bool, &work.is_over, true, .monotonic);
    work.read.up();
    if (thread) |running| threads.join(running);
    const bytes = file.buffer[0..try length];
    return .{ .bytes = bytes, .sha256 = work.hash.finish(bytes[work.hashed..]) };
}

const Work = struct {
    buffer: []u8,
    /// Pieces that were read, and are not hashed yet.
    read: threads.Counter,
    hash: fast.Sha256 = .init,
    hashed: usize = 0,
    is_over: bool = false,

    /// Returns how many bytes the file has.
    fn readAll(work: *Work, handle: files.Handle) files.Error!usize {
        var length: usize = 0;
        while (true) {
            const target = work.buffer[length..][0..@min(piece, work.buffer.len - length)];
            const got = try files.read(handle, target);
            length += got;
            if (got < piece) return length;
            work.read.up();
        }
    }

    fn hashPieces(work: *Work) void {
        while (true) {
            work.read.down();
            if (@atomicLoad(bool, &work.is_over, .monotonic)) return;
            work.hash.update(work.buffer[work.hashed..][0..piece]);
            work.hashed += piece;
        }
    }
};
