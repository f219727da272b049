//! Decodes zstd (RFC 8878) several times as fast as the std, which reads bit by bit: a reader that holds the window in
//! its buffer. No dictionaries; checksums are passed over. The caller vouches for the bytes: what is malformed is
//! noticed as far as memory is concerned, and ends in an error.
const std = @import("std");
const Bytes = @import("zstd_bits.zig").Bytes;
const Huffman = @import("zstd_huffman.zig").Huffman;
const sequences = @import("zstd_sequences.zig");
const Reader = std.Io.Reader;

const largest_block = 128 * 1024;
/// What must be free behind the end before a block is decoded.
const room = largest_block + sequences.slack;
/// What may be unread when the decoder goes back to the beginning of its buffer.
const most_unread = 4096;
/// What a buffer must hold beyond the window: the decoder goes back when less than `room` is left, and may then
/// overwrite what is `room` before the window.
pub const beyond_window = 2 * room + most_unread;

const magic = 0xfd2fb528;
const skippable_magic = 0x184d2a50;
const Malformed = error{Malformed};

pub const Decoder = struct {
    /// What was decoded.
    reader: Reader,
    window: u32,
    source: []const u8,
    /// Where what was decoded before the decoder last went back to the beginning of its buffer ends.
    old_end: usize = 0,
    in_frame: bool = false,
    has_checksum: bool = false,
    memory: sequences.Memory = .{},
    huffman: Huffman = .{},
    literals: [largest_block + sequences.slack]u8 = undefined,

    /// `buffer`: of `window` and `beyond_window` bytes.
    pub fn init(decoder: *Decoder, source: []const u8, buffer: []u8, window: u32) void {
        std.debug.assert(buffer.len >= window + beyond_window);
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

    fn rebase(reader: *Reader, _: usize) Reader.RebaseError!void {
        goBack(reader) catch return error.EndOfStream;
    }

    /// Goes on at the beginning of the buffer, with what is unread. The window is not moved: it ends, or all of it
    /// lies, at the other end.
    fn goBack(reader: *Reader) error{ReadFailed}!void {
        const decoder: *Decoder = @alignCast(@fieldParentPtr("reader", reader));
        const unread = reader.buffered();
        if (unread.len > most_unread or unread.len > reader.seek) return error.ReadFailed;
        @memcpy(reader.buffer[0..unread.len], unread);
        decoder.old_end = reader.seek;
        reader.seek = 0;
        reader.end = unread.len;
    }

    /// Decodes one block.
    fn fill(reader: *Reader) Reader.Error!void {
        const decoder: *Decoder = @alignCast(@fieldParentPtr("reader", reader));
        if (reader.buffer.len - reader.end < room) try goBack(reader);
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
        decoder.memory = .{};
        decoder.huffman = .{};
        return true;
    }

    fn decodeBlock(decoder: *Decoder, block: []const u8) Malformed!void {
        var in: Bytes = .{ .left = block };
        const literals = try decoder.decodeLiterals(&in);
        const reader = &decoder.reader;
        var output: sequences.Output = .{
            .buffer = reader.buffer,
            .end = reader.end,
            .most = reader.end + largest_block,
            .old_end = decoder.old_end,
        };
        try sequences.decode(&decoder.memory, &in, literals, &output);
        reader.end = output.end;
    }

    fn decodeLiterals(decoder: *Decoder, in: *Bytes) Malformed![]const u8 {
        const first = if (in.left.len > 0) in.left[0] else return error.Malformed;
        const format = first >> 2 & 3;
        if (first & 3 < 2) {
            const bytes: usize = ([_]usize{ 1, 2, 1, 3 })[format];
            const header = try in.number(bytes);
            const size: usize = @intCast(header >> if (bytes == 1) 3 else 4);
            if (size > largest_block) return error.Malformed;
            const literals = decoder.literals[0..size];
            if (first & 3 == 0) @memcpy(literals, try in.take(size)) else @memset(literals, (try in.take(1))[0]);
            return literals;
        }
        const width: u6 = ([_]u6{ 10, 10, 14, 18 })[format];
        const header = try in.number(([_]usize{ 3, 3, 4, 5 })[format]) >> 4;
        const size: usize = @intCast(header & ((@as(u64, 1) << width) - 1));
        if (size > largest_block) return error.Malformed;
        var packed_literals: Bytes = .{ .left = try in.take(@intCast(header >> width)) };
        if (first & 3 == 2) try decoder.huffman.read(&packed_literals);
        const huffman = &decoder.huffman;
        if (huffman.log == 0) return error.Malformed;
        const target = decoder.literals[0..size];
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
