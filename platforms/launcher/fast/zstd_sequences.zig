//! The sequences of a block (RFC 8878, section 3.1.1.4): how many literals to copy, and what to repeat after them.
const std = @import("std");
const bit = @import("zstd_bits.zig");
const fse = @import("zstd_fse.zig");
const Malformed = bit.Malformed;

pub const Sequence = struct { literals: u32, match: u32, distance: u32 };

/// What one block takes over from that before it.
pub const Memory = struct {
    lengths: fse.Table,
    offsets: fse.Table,
    matches: fse.Table,
    repeats: [3]u32,

    pub fn reset(memory: *Memory) void {
        for ([_]*fse.Table{ &memory.lengths, &memory.offsets, &memory.matches }) |table| table.is_known = false;
        memory.repeats = .{ 1, 4, 8 };
    }
};

/// Reads what follows the literals of a block.
pub fn read(memory: *Memory, in: *bit.Bytes, room: []Sequence) Malformed![]const Sequence {
    const count = try readCount(in);
    if (count > room.len) return error.Malformed;
    if (count == 0) return room[0..0];
    const modes = (try in.take(1))[0];
    try memory.lengths.read(in, modes >> 6, &fse.lengths);
    try memory.offsets.read(in, modes >> 4 & 3, &fse.offsets);
    try memory.matches.read(in, modes >> 2 & 3, &fse.matches);
    try readAll(memory, try .init(in.left), room[0..count]);
    return room[0..count];
}

fn readCount(in: *bit.Bytes) Malformed!usize {
    const first: usize = (try in.take(1))[0];
    if (first < 128) return first;
    if (first < 255) return ((first - 128) << 8) + (try in.take(1))[0];
    return @as(usize, std.mem.readInt(u16, (try in.take(2))[0..2], .little)) + 0x7f00;
}

fn readAll(memory: *Memory, stream: bit.Bits, sequences: []Sequence) Malformed!void {
    var bits = stream;
    var length = memory.lengths.start(&bits);
    var offset = memory.offsets.start(&bits);
    var match = memory.matches.start(&bits);
    var repeats = memory.repeats;
    for (sequences, 1..) |*sequence, number| {
        const copied = memory.lengths.cells[length];
        const matched = memory.matches.cells[match];
        const far = memory.offsets.cells[offset];
        bits.refill();
        const value = far.base + @as(u32, @truncate(bits.take(far.extra)));
        sequence.match = matched.base;
        sequence.literals = copied.base;
        // The three take 63 bits at most, and the next states 26.
        if (matched.extra + copied.extra > 0) {
            bits.refill();
            sequence.match += @truncate(bits.take(matched.extra));
            sequence.literals += @truncate(bits.take(copied.extra));
            bits.refill();
        } else if (far.extra > bit.Bits.ready - 26) bits.refill();
        sequence.distance = distanceOf(&repeats, value, sequence.literals == 0);
        // After the last one no states follow.
        if (number == sequences.len) break;
        const next = bits.take(copied.bits + matched.bits + far.bits);
        length = copied.next + lowest(next >> @intCast(matched.bits + far.bits), copied.bits);
        match = matched.next + lowest(next >> @intCast(far.bits), matched.bits);
        offset = far.next + lowest(next, far.bits);
    }
    if (bits.left != 0) return error.Malformed;
    memory.repeats = repeats;
}

/// Which of the last three distances a value means, if it is no new one. Without a branch: none could be foreseen.
inline fn distanceOf(repeats: *[3]u32, value: u32, without_literals: bool) u32 {
    const first, const second, const third = repeats.*;
    const which = value - 1 + @intFromBool(without_literals);
    const old = choose(which == 0, first, choose(which == 1, second, choose(which == 2, third, first -% 1)));
    const distance = choose(value > 3, value -% 3, old);
    repeats.* = .{ distance, choose(which > 0, first, second), choose(which > 1, second, third) };
    return distance;
}

inline fn choose(condition: bool, one: u32, other: u32) u32 {
    if (condition) {
        @branchHint(.unpredictable);
        return one;
    }
    return other;
}

inline fn lowest(value: u64, count: u8) usize {
    return @as(usize, @truncate(value)) & ((@as(usize, 1) << @intCast(count)) - 1);
}
