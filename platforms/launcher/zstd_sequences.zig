//! The sequences of a block (RFC 8878, section 3.1.1.4): how many literals to copy, and what to repeat after them.
const std = @import("std");
const bit = @import("zstd_bits.zig");
const fse = @import("zstd_fse.zig");
const Malformed = bit.Malformed;

/// What a copy may write, and read, too much.
pub const slack = 32;

/// So many are decoded before the first of them is carried out: what they repeat is on its way into the
/// processor's cache by then.
const batch = 32;

const Sequence = struct { literals: u32, match: u32, distance: u32 };

/// What one block takes over from that before it.
pub const Memory = struct {
    lengths: fse.Table = .{},
    offsets: fse.Table = .{},
    matches: fse.Table = .{},
    repeats: [3]u32 = .{ 1, 4, 8 },
};

/// Where a block goes: from `end` to `most` in a buffer that has room for `slack` bytes more. What was decoded before
/// begins where the buffer begins; what was decoded before that ends at `old_end`.
pub const Output = struct {
    buffer: []u8,
    end: usize,
    most: usize,
    old_end: usize,

    /// Puts into the processor's cache what lies so far before a place.
    inline fn fetch(output: *const Output, place: usize, distance: usize) void {
        const found = place -% distance;
        const index = if (distance > place) found +% output.old_end else found;
        @prefetch(&output.buffer[@min(index, output.most)], .{});
    }
};

/// Decodes what follows the literals of a block, and puts both together. `literals`: with `slack` bytes behind them.
pub fn decode(memory: *Memory, in: *bit.Bytes, literals: []const u8, output: *Output) Malformed!void {
    var left = literals;
    var count = try readCount(in);
    if (count > 0) {
        const modes = (try in.take(1))[0];
        try memory.lengths.read(in, modes >> 6, &fse.lengths);
        try memory.offsets.read(in, modes >> 4 & 3, &fse.offsets);
        try memory.matches.read(in, modes >> 2 & 3, &fse.matches);
        var reader: Reader = try .init(memory, in.left);
        var sequences: [batch]Sequence = undefined;
        while (count > 0) {
            const ready = sequences[0..@min(count, batch)];
            count -= ready.len;
            reader.read(ready, output, count == 0);
            try execute(ready, &left, output);
        }
        if (reader.bits.left != 0) return error.Malformed;
        memory.repeats = reader.repeats;
    }
    if (left.len > output.most - output.end) return error.Malformed;
    @memcpy(output.buffer[output.end..][0..left.len], left);
    output.end += left.len;
}

fn readCount(in: *bit.Bytes) Malformed!usize {
    const first: usize = (try in.take(1))[0];
    if (first < 128) return first;
    if (first < 255) return ((first - 128) << 8) + (try in.take(1))[0];
    return @as(usize, std.mem.readInt(u16, (try in.take(2))[0..2], .little)) + 0x7f00;
}

const Reader = struct {
    bits: bit.Bits,
    lengths: *const fse.Table,
    offsets: *const fse.Table,
    matches: *const fse.Table,
    /// States.
    length: usize,
    offset: usize,
    match: usize,
    repeats: [3]u32,

    fn init(memory: *const Memory, bytes: []const u8) Malformed!Reader {
        var bits: bit.Bits = try .init(bytes);
        return .{
            .lengths = &memory.lengths,
            .offsets = &memory.offsets,
            .matches = &memory.matches,
            .length = memory.lengths.start(&bits),
            .offset = memory.offsets.start(&bits),
            .match = memory.matches.start(&bits),
            .repeats = memory.repeats,
            .bits = bits,
        };
    }

    /// After the last sequence of a block no states follow.
    fn read(reader: *Reader, sequences: []Sequence, output: *const Output, is_last: bool) void {
        var bits = reader.bits;
        var length, var offset, var match = .{ reader.length, reader.offset, reader.match };
        var repeats = reader.repeats;
        var place = output.end;
        for (sequences, 1..) |*sequence, number| {
            const copied = reader.lengths.cells[length];
            const matched = reader.matches.cells[match];
            const far = reader.offsets.cells[offset];
            bits.refill();
            const value = far.base + @as(u32, @truncate(bits.take(far.extra)));
            sequence.match = matched.base;
            sequence.literals = copied.base;
            if (matched.extra + copied.extra > 0) {
                // The three take 63 bits at most, and the next states 26.
                bits.refill();
                sequence.match += @truncate(bits.take(matched.extra));
                sequence.literals += @truncate(bits.take(copied.extra));
                bits.refill();
            } else if (far.extra > bit.Bits.ready - 26) bits.refill();
            sequence.distance = distanceOf(&repeats, value, sequence.literals == 0);
            place +%= sequence.literals;
            output.fetch(place, sequence.distance);
            place +%= sequence.match;
            if (number == sequences.len and is_last) break;
            const next = bits.take(copied.bits + matched.bits + far.bits);
            length = copied.next + lowest(next >> @intCast(matched.bits + far.bits), copied.bits);
            match = matched.next + lowest(next >> @intCast(far.bits), matched.bits);
            offset = far.next + lowest(next, far.bits);
        }
        reader.bits = bits;
        reader.length, reader.offset, reader.match = .{ length, offset, match };
        reader.repeats = repeats;
    }
};

/// Which of the last three distances a value means, if it is no new one. Without a branch: none could be foreseen.
inline fn distanceOf(repeats: *[3]u32, value: u32, without_literals: bool) u32 {
    const first, const second, const third = repeats.*;
    const which = value - 1 + @intFromBool(without_literals);
    const old = choose(which == 0, first, choose(which == 1, second, choose(which == 2, third, first -% 1)));
    const distance = choose(value > 3, value -% 3, old);
    repeats.* = .{ distance, choose(which > 0, first, second), choose(which > 1, second, third) };
    return distance;
}

inline fn choose(condition: bool, one: anytype, other: @TypeOf(one)) @TypeOf(one) {
    if (condition) {
        @branchHint(.unpredictable);
        return one;
    }
    return other;
}

inline fn lowest(value: u64, count: u8) usize {
    return @as(usize, @truncate(value)) & ((@as(usize, 1) << @intCast(count)) - 1);
}

fn execute(sequences: []const Sequence, left: *[]const u8, output: *Output) Malformed!void {
    const buffer = output.buffer;
    var end = output.end;
    var literals = left.*;
    for (sequences) |sequence| {
        if (sequence.literals > literals.len) return error.Malformed;
        if (sequence.literals + sequence.match > output.most - end) return error.Malformed;
        copy(buffer[end..].ptr, literals.ptr, sequence.literals);
        literals = literals[sequence.literals..];
        end += sequence.literals;
        const count: usize = sequence.match;
        const distance: usize = sequence.distance;
        // Most come from anywhere in the window, so which of its two parts it is could not be foreseen either.
        const is_old = distance > end;
        const from = end -% distance +% choose(is_old, output.old_end, 0);
        if (distance < chunk) {
            try repeatNear(output, end, distance, count);
        } else if (choose(is_old, output.old_end, output.most) -| from < count) {
            try repeatOverEnd(output, end, distance, count);
        } else copy(buffer[end..].ptr, buffer[from..].ptr, count);
        end += count;
    }
    left.* = literals;
    output.end = end;
}

/// Repeats what lies before the beginning of the buffer, and perhaps goes on at the beginning.
noinline fn repeatOverEnd(output: *const Output, end: usize, distance: usize, count: usize) Malformed!void {
    const before = distance - end;
    if (before > output.old_end) return error.Malformed;
    const old = output.buffer[output.old_end - before ..][0..@min(before, count)];
    const target = output.buffer[end..][0..count];
    for (target[0..old.len], old) |*to, byte| to.* = byte;
    for (target[old.len..], output.buffer[0 .. count - old.len]) |*to, *byte| to.* = byte.*;
}

/// Repeats what lies less than a chunk before.
fn repeatNear(output: *const Output, end: usize, distance: usize, count: usize) Malformed!void {
    if (distance == 0) return error.Malformed;
    if (distance > end) return repeatOverEnd(output, end, distance, count);
    const to = output.buffer[end..].ptr;
    for (0..chunk) |index| to[index] = (to - distance)[index];
    // From here on it also lies a multiple of the distance before.
    const back = (chunk + distance - 1) / distance * distance;
    var done: usize = chunk;
    while (done < count) : (done += chunk) move(to + done, to + done - back);
}

const chunk = 16;
const Chunk = @Vector(chunk, u8);

inline fn move(to: [*]u8, from: [*]const u8) void {
    const bytes: Chunk = from[0..chunk].*;
    to[0..chunk].* = bytes;
}

/// Copies in whole chunks, one at least.
inline fn copy(to: [*]u8, from: [*]const u8, count: usize) void {
    move(to, from);
    var done: usize = chunk;
    while (done < count) : (done += chunk) move(to + done, from + done);
}
