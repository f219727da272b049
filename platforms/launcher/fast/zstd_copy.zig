//! Puts the literals of a block and what is repeated after them together (RFC 8878, section 3.1.1.5).
const Block = @import("zstd_blocks.zig").Block;
const Sequence = @import("zstd_sequences.zig").Sequence;
const Malformed = @import("zstd_bits.zig").Malformed;

/// What a copy may read, and write, too much.
pub const slack = 64;

/// Where a block goes: from `end` to `most` in a buffer that has room for `slack` bytes more. What was decoded before
/// begins where the buffer begins; what was decoded before that ends at `old_end`.
pub const Output = struct {
    buffer: []u8,
    end: usize,
    most: usize,
    old_end: usize,

    pub fn put(output: *Output, block: Block) Malformed!void {
        var literals = block.literals;
        try execute(output, block.sequences, &literals);
        if (literals.len > output.most - output.end) return error.Malformed;
        @memcpy(output.buffer[output.end..][0..literals.len], literals);
        output.end += literals.len;
    }

    /// Brings into the processor's cache what lies so far before a place.
    inline fn fetch(output: *const Output, place: usize, distance: usize) void {
        const from = place -% distance +% choose(distance > place, output.old_end, 0);
        @prefetch(&output.buffer[@min(from, output.most)], .{});
    }
};

/// So many sequences before one is carried out what it repeats is fetched.
const ahead = 32;

fn execute(output: *Output, sequences: []const Sequence, left: *[]const u8) Malformed!void {
    const buffer = output.buffer;
    var end = output.end;
    var literals = left.*;
    var fetched: Fetched = .{ .place = end };
    for (sequences[0..@min(ahead, sequences.len)]) |later| fetched.fetch(output, later);
    for (sequences, 0..) |sequence, index| {
        if (index + ahead < sequences.len) fetched.fetch(output, sequences[index + ahead]);
        if (sequence.literals > literals.len) return error.Malformed;
        if (sequence.literals + sequence.match > output.most - end) return error.Malformed;
        copy(buffer[end..].ptr, literals.ptr, sequence.literals);
        literals = literals[sequence.literals..];
        end += sequence.literals;
        const count: usize = sequence.match;
        const distance: usize = sequence.distance;
        // Most come from anywhere in the window: which of its two parts it is could not be foreseen.
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

const Fetched = struct {
    place: usize,

    inline fn fetch(fetched: *Fetched, output: *const Output, sequence: Sequence) void {
        fetched.place +%= sequence.literals;
        output.fetch(fetched.place, sequence.distance);
        fetched.place +%= sequence.match;
    }
};

inline fn choose(condition: bool, one: usize, other: usize) usize {
    if (condition) {
        @branchHint(.unpredictable);
        return one;
    }
    return other;
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

/// Copies in whole chunks, two at least: hardly anything is longer.
inline fn copy(to: [*]u8, from: [*]const u8, count: usize) void {
    move(to, from);
    move(to + chunk, from + chunk);
    var done: usize = 2 * chunk;
    while (done < count) : (done += chunk) move(to + done, from + done);
}
