//! From the bytes of zstd frames (RFC 8878, section 3) to blocks whose codes are read, but not carried out.
const std = @import("std");
const bit = @import("zstd_bits.zig");
const copy = @import("zstd_copy.zig");
const Huffman = @import("zstd_huffman.zig").Huffman;
const sequences = @import("zstd_sequences.zig");
const Malformed = bit.Malformed;

pub const largest_block = 128 * 1024;
const shortest_match = 3;
const magic = 0xfd2fb528;
const skippable_magic = 0x184d2a50;

/// Literals, and what is to be repeated between them. There are `copy.slack` bytes behind them if there is such a thing.
pub const Block = struct { literals: []const u8, sequences: []const sequences.Sequence };

/// Where what is read of one block lies.
pub const Room = struct {
    literals: [largest_block + copy.slack]u8,
    sequences: [largest_block / shortest_match + 1]sequences.Sequence,
};

pub const Blocks = struct {
    source: []const u8,
    window: u32,
    in_frame: bool,
    has_checksum: bool,
    memory: sequences.Memory,
    huffman: Huffman,

    pub fn init(blocks: *Blocks, source: []const u8, window: u32) void {
        blocks.source = source;
        blocks.window = window;
        blocks.in_frame = false;
    }

    pub const Error = Malformed || error{EndOfStream};

    pub fn next(blocks: *Blocks, room: *Room) Error!Block {
        while (!blocks.in_frame) {
            if (blocks.source.len == 0) return error.EndOfStream;
            try blocks.beginFrame();
        }
        const header = std.mem.readInt(u24, (try blocks.take(3))[0..3], .little);
        const size = header >> 3;
        const block: Block = switch ((header >> 1) & 3) {
            0 => .{ .literals = try blocks.take(size), .sequences = &.{} },
            1 => .{ .literals = try repeated(room, size, try blocks.take(1)), .sequences = &.{} },
            2 => try blocks.read(room, try blocks.take(size)),
            else => return error.Malformed,
        };
        if (header & 1 == 0) return block;
        blocks.in_frame = false;
        if (blocks.has_checksum) _ = try blocks.take(4);
        return block;
    }

    fn take(blocks: *Blocks, count: usize) Malformed![]const u8 {
        if (blocks.source.len < count) return error.Malformed;
        defer blocks.source = blocks.source[count..];
        return blocks.source[0..count];
    }

    /// Reads a frame's header, or passes over a frame to skip.
    fn beginFrame(blocks: *Blocks) Malformed!void {
        const found = std.mem.readInt(u32, (try blocks.take(4))[0..4], .little);
        if (found & 0xfffffff0 == skippable_magic) {
            _ = try blocks.take(std.mem.readInt(u32, (try blocks.take(4))[0..4], .little));
            return;
        }
        if (found != magic) return error.Malformed;
        const frame = std.compress.zstd.Decompress.Frame.Zstandard;
        var input: std.Io.Reader = .fixed(blocks.source);
        const header = frame.Header.decode(&input) catch return error.Malformed;
        if ((header.windowSize() orelse return error.Malformed) > blocks.window) return error.Malformed;
        _ = try blocks.take(input.seek);
        blocks.has_checksum = header.descriptor.content_checksum_flag;
        blocks.in_frame = true;
        blocks.memory.reset();
        blocks.huffman.log = 0;
    }

    fn read(blocks: *Blocks, room: *Room, block: []const u8) Malformed!Block {
        var in: bit.Bytes = .{ .left = block };
        const literals = try blocks.readLiterals(&in, room);
        return .{ .literals = literals, .sequences = try sequences.read(&blocks.memory, &in, &room.sequences) };
    }

    fn readLiterals(blocks: *Blocks, in: *bit.Bytes, room: *Room) Malformed![]const u8 {
        const first = if (in.left.len > 0) in.left[0] else return error.Malformed;
        const format = first >> 2 & 3;
        if (first & 3 < 2) {
            const bytes: usize = ([_]usize{ 1, 2, 1, 3 })[format];
            const header = try in.number(bytes);
            const size: usize = @intCast(header >> if (bytes == 1) 3 else 4);
            if (first & 3 == 1) return repeated(room, size, try in.take(1));
            if (size > largest_block) return error.Malformed;
            @memcpy(room.literals[0..size], try in.take(size));
            return room.literals[0..size];
        }
        const width: u6 = ([_]u6{ 10, 10, 14, 18 })[format];
        const header = try in.number(([_]usize{ 3, 3, 4, 5 })[format]) >> 4;
        const size: usize = @intCast(header & ((@as(u64, 1) << width) - 1));
        if (size > largest_block) return error.Malformed;
        var packed_literals: bit.Bytes = .{ .left = try in.take(@intCast(header >> width)) };
        if (first & 3 == 2) try blocks.huffman.read(&packed_literals);
        const huffman = &blocks.huffman;
        if (huffman.log == 0) return error.Malformed;
        const target = room.literals[0..size];
        if (format == 0) {
            try huffman.decode(packed_literals.left, target);
            return target;
        }
        const sizes = try packed_literals.take(6);
        var streams: [4][]const u8 = undefined;
        for (streams[0..3], 0..) |*stream_of_bits, index| {
            const length = std.mem.readInt(u16, sizes[2 * index ..][0..2], .little);
            stream_of_bits.* = try packed_literals.take(length);
        }
        streams[3] = packed_literals.left;
        try huffman.decodeFour(streams, target);
        return target;
    }
};

fn repeated(room: *Room, count: usize, byte: []const u8) Malformed![]const u8 {
    if (count > largest_block) return error.Malformed;
    @memset(room.literals[0..count], byte[0]);
    return room.literals[0..count];
}
