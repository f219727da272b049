//! Decodes zstd (RFC 8878) several times as fast as the std, which reads bit by bit: a reader that holds the window in
//! its buffer. No dictionaries; checksums are passed over. The caller vouches for the bytes: what is malformed is
//! noticed as far as memory is concerned, and ends in an error.
const std = @import("std");
const entropy = @import("zstd_entropy.zig");
const Bits = entropy.Bits;
const Fse = entropy.Fse;
const Reader = std.Io.Reader;

pub const largest_block = 128 * 1024;
/// What a buffer must hold beyond the window: a block, and what a copy may write too much.
pub const room = largest_block + slack;

const slack = 32;
const magic = 0xfd2fb528;
const skippable_magic = 0x184d2a50;
const Malformed = error{Malformed};

pub const Decoder = struct {
    /// What was decoded.
    reader: Reader,
    window: u32,
    source: []const u8,
    in_frame: bool = false,
    has_checksum: bool = false,
    repeats: [3]u32 = undefined,
    huffman: ?entropy.Huffman = null,
    lengths: Fse = .{},
    offsets: Fse = .{},
    matches: Fse = .{},
    literals: [largest_block + slack]u8 = undefined,

    /// `buffer`: of `window` and `room` bytes, or more.
    pub fn init(decoder: *Decoder, source: []const u8, buffer: []u8, window: u32) void {
        std.debug.assert(buffer.len >= window + room);
        decoder.* = .{
            .reader = .{ .vtable = &vtable, .buffer = buffer, .seek = 0, .end = 0 },
            .source = source,
            .window = window,
        };
    }

    const vtable: Reader.VTable = .{ .stream = stream, .readVec = readVec, .discard = discard, .rebase = rebase };

    fn stream(reader: *Reader, _: *std.Io.Writer, _: std.Io.Limit) Reader.StreamError!usize {
        try fill(reader);
        return 0;
    }

    fn readVec(reader: *Reader, _: [][]u8) Reader.Error!usize {
        try fill(reader);
        return 0;
    }

    fn discard(reader: *Reader, limit: std.Io.Limit) Reader.Error!usize {
        if (reader.seek == reader.end) try fill(reader);
        const count = limit.minInt(reader.end - reader.seek);
        reader.seek += count;
        return count;
    }

    /// Moves what is unread, and the window, to the beginning of the buffer.
    fn rebase(reader: *Reader, capacity: usize) Reader.RebaseError!void {
        const decoder: *Decoder = @alignCast(@fieldParentPtr("reader", reader));
        const first = @min(reader.seek, reader.end -| decoder.window);
        std.mem.copyForwards(u8, reader.buffer, reader.buffer[first..reader.end]);
        reader.end -= first;
        reader.seek -= first;
        std.debug.assert(reader.buffer.len - reader.end >= capacity);
    }

    /// Decodes one block.
    fn fill(reader: *Reader) Reader.Error!void {
        const decoder: *Decoder = @alignCast(@fieldParentPtr("reader", reader));
        if (reader.buffer.len - reader.end < room) try rebase(reader, room);
        decoder.next() catch |err| return switch (err) {
            error.EndOfStream => error.EndOfStream,
            error.Malformed => error.ReadFailed,
        };
    }

    fn next(decoder: *Decoder) (Malformed || error{EndOfStream})!void {
        if (!decoder.in_frame) {
            if (decoder.source.len == 0) return error.EndOfStream;
            if (!try decoder.beginFrame()) return;
        }
        const header = std.mem.readInt(u24, (try decoder.take(3))[0..3], .little);
        const size = header >> 3;
        switch ((header >> 1) & 3) {
            0 => try decoder.append(try decoder.take(size)),
            1 => {
                if (size > largest_block) return error.Malformed;
                const reader = &decoder.reader;
                @memset(reader.buffer[reader.end..][0..size], (try decoder.take(1))[0]);
                reader.end += size;
            },
            2 => try decoder.decodeBlock(try decoder.take(size)),
            else => return error.Malformed,
        }
        if (header & 1 == 0) return;
        decoder.in_frame = false;
        if (decoder.has_checksum) _ = try decoder.take(4);
    }

    fn take(decoder: *Decoder, count: usize) Malformed![]const u8 {
        if (decoder.source.len < count) return error.Malformed;
        defer decoder.source = decoder.source[count..];
        return decoder.source[0..count];
    }

    fn append(decoder: *Decoder, bytes: []const u8) Malformed!void {
        if (bytes.len > largest_block) return error.Malformed;
        @memcpy(decoder.reader.buffer[decoder.reader.end..][0..bytes.len], bytes);
        decoder.reader.end += bytes.len;
    }

    /// Reads a frame's header; false if it was a frame to skip.
    fn beginFrame(decoder: *Decoder) Malformed!bool {
        const found = std.mem.readInt(u32, (try decoder.take(4))[0..4], .little);
        if (found & 0xfffffff0 == skippable_magic) {
            _ = try decoder.take(std.mem.readInt(u32, (try decoder.take(4))[0..4], .little));
            return false;
        }
        if (found != magic) return error.Malformed;
        const frame = std.compress.zstd.Decompress.Frame.Zstandard;
        var input: Reader = .fixed(decoder.source);
        const header = frame.Header.decode(&input) catch return error.Malformed;
        if ((header.windowSize() orelse return error.Malformed) > decoder.window) return error.Malformed;
        _ = try decoder.take(input.seek);
        decoder.has_checksum = header.descriptor.content_checksum_flag;
        decoder.in_frame = true;
        decoder.repeats = .{ 1, 4, 8 };
        decoder.huffman = null;
        for ([_]*Fse{ &decoder.lengths, &decoder.offsets, &decoder.matches }) |table| table.* = .{};
        return true;
    }

    fn decodeBlock(decoder: *Decoder, block: []const u8) Malformed!void {
        var in: entropy.Bytes = .{ .left = block };
        const literals = try decoder.decodeLiterals(&in);
        var count: usize = (try in.take(1))[0];
        if (count == 255) {
            count = @as(usize, std.mem.readInt(u16, (try in.take(2))[0..2], .little)) + 0x7f00;
        } else if (count >= 128) {
            count = ((count - 128) << 8) + (try in.take(1))[0];
        }
        if (count == 0) return decoder.append(literals);
        const modes = (try in.take(1))[0];
        try decoder.lengths.read(&in, modes >> 6, &entropy.usual_lengths, 9);
        try decoder.offsets.read(&in, modes >> 4 & 3, &entropy.usual_offsets, 8);
        try decoder.matches.read(&in, modes >> 2 & 3, &entropy.usual_matches, 9);
        try decoder.execute(literals, try Bits.init(in.left), count);
    }

    fn decodeLiterals(decoder: *Decoder, in: *entropy.Bytes) Malformed![]const u8 {
        const first = if (in.left.len > 0) in.left[0] else return error.Malformed;
        const format = first >> 2 & 3;
        if (first & 3 < 2) {
            const bytes: usize = ([_]usize{ 1, 2, 1, 3 })[format];
            const header = try in.number(bytes);
            const size: usize = @intCast(header >> if (bytes == 1) 3 else 4);
            if (size > largest_block) return error.Malformed;
            if (first & 3 == 0) return in.take(size);
            @memset(decoder.literals[0..size], (try in.take(1))[0]);
            return decoder.literals[0..size];
        }
        const width: u6 = ([_]u6{ 10, 10, 14, 18 })[format];
        const header = try in.number(([_]usize{ 3, 3, 4, 5 })[format]) >> 4;
        const size: usize = @intCast(header & ((@as(u64, 1) << width) - 1));
        if (size > largest_block) return error.Malformed;
        var packed_literals: entropy.Bytes = .{ .left = try in.take(@intCast(header >> width)) };
        if (first & 3 == 2) {
            decoder.huffman = null;
            decoder.huffman = try .read(&packed_literals);
        }
        const huffman = if (decoder.huffman) |*table| table else return error.Malformed;
        const target = decoder.literals[0..size];
        if (format == 0) {
            try huffman.decode(packed_literals.left, target);
            return target;
        }
        const sizes = try packed_literals.take(6);
        const part = (size + 3) / 4;
        if (3 * part > size) return error.Malformed;
        for (0..3) |index| {
            const length = std.mem.readInt(u16, sizes[2 * index ..][0..2], .little);
            try huffman.decode(try packed_literals.take(length), target[index * part ..][0..part]);
        }
        try huffman.decode(packed_literals.left, target[3 * part ..]);
        return target;
    }

    /// Puts literals and what was there before together.
    fn execute(decoder: *Decoder, all: []const u8, stream_of_bits: Bits, count: usize) Malformed!void {
        var bits = stream_of_bits;
        const buffer = decoder.reader.buffer;
        const most = decoder.reader.end + largest_block;
        var end = decoder.reader.end;
        var literals = all;
        var length = decoder.lengths.start(&bits);
        var offset = decoder.offsets.start(&bits);
        var match = decoder.matches.start(&bits);
        for (0..count) |index| {
            if (offset.symbol > 31 or length.symbol > 35 or match.symbol > 52) return error.Malformed;
            const value = (@as(u32, 1) << @intCast(offset.symbol)) + @as(u32, @intCast(bits.read(offset.symbol)));
            const matched = entropy.match_bases[match.symbol] + bits.read(entropy.match_bits[match.symbol]);
            const copied = entropy.length_bases[length.symbol] + bits.read(entropy.length_bits[length.symbol]);
            const distance = decoder.distanceOf(value, copied == 0);
            if (copied > literals.len or copied + matched > most - end) return error.Malformed;
            if (distance == 0 or distance > end + copied) return error.Malformed;
            copy(buffer, end, literals[0..@intCast(copied)]);
            literals = literals[@intCast(copied)..];
            end += @intCast(copied);
            repeat(buffer, end, distance, @intCast(matched));
            end += @intCast(matched);
            if (index + 1 == count) break;
            length = decoder.lengths.follow(length, &bits);
            match = decoder.matches.follow(match, &bits);
            offset = decoder.offsets.follow(offset, &bits);
        }
        if (bits.left != 0 or literals.len > most - end) return error.Malformed;
        decoder.reader.end = end;
        try decoder.append(literals);
    }

    fn distanceOf(decoder: *Decoder, value: u32, without_literals: bool) u32 {
        const old = decoder.repeats;
        if (value > 3) {
            decoder.repeats = .{ value - 3, old[0], old[1] };
            return value - 3;
        }
        switch (value - 1 + @intFromBool(without_literals)) {
            0 => {},
            1 => decoder.repeats = .{ old[1], old[0], old[2] },
            2 => decoder.repeats = .{ old[2], old[0], old[1] },
            else => decoder.repeats = .{ old[0] -% 1, old[0], old[1] },
        }
        return decoder.repeats[0];
    }
};

const Chunk = @Vector(16, u8);

/// Copies, in whole chunks where there is room.
inline fn copy(buffer: []u8, to: usize, bytes: []const u8) void {
    if (bytes.len > 16) return @memcpy(buffer[to..][0..bytes.len], bytes);
    for (bytes, 0..) |byte, index| buffer[to + index] = byte;
}

/// Repeats what lies `distance` before; up to 15 bytes behind the end are overwritten.
inline fn repeat(buffer: []u8, to: usize, distance: usize, count: usize) void {
    var done: usize = 0;
    if (distance >= 16) {
        while (done < count) : (done += 16) {
            const chunk: Chunk = buffer[to - distance + done ..][0..16].*;
            buffer[to + done ..][0..16].* = chunk;
        }
    } else while (done < count) : (done += 1) buffer[to + done] = buffer[to - distance + done];
}
