//! Decodes zstd (RFC 8878) several times as fast as the std, which reads bit by bit: a reader that holds the window in
//! its buffer. No dictionaries; checksums are passed over. The caller vouches for the bytes: what is malformed is
//! noticed as far as memory is concerned, and ends in an error.
const std = @import("std");
const Ahead = @import("zstd_ahead.zig").Ahead;
const fast = @import("fast");
const Reader = std.Io.Reader;

/// What must be free behind the end before a block is decoded.
const room = fast.largest_block + fast.slack;
/// What may be unread when the decoder goes back to the beginning of its buffer.
const most_unread = 4096;
/// What a buffer must hold beyond the window: the decoder goes back when less than `room` is left, and may then
/// overwrite what is `room` before the window.
pub const beyond_window = 2 * room + most_unread;

pub const Decoder = struct {
    /// What was decoded.
    reader: Reader,
    /// Where what was decoded before the decoder last went back to the beginning of its buffer ends.
    old_end: usize,
    source: Ahead,

    /// `buffer`: of `window` and `beyond_window` bytes. `deinit` must follow before anything else here goes away.
    pub fn init(decoder: *Decoder, source: []const u8, buffer: []u8, window: u32) void {
        std.debug.assert(buffer.len >= window + beyond_window);
        decoder.reader = .{ .vtable = &vtable, .buffer = buffer, .seek = 0, .end = 0 };
        decoder.old_end = 0;
        decoder.source.init(source, window);
    }

    pub fn deinit(decoder: *Decoder) void {
        decoder.source.deinit();
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

    fn next(decoder: *Decoder) fast.Blocks.Error!void {
        const reader = &decoder.reader;
        var output: fast.Output = .{
            .buffer = reader.buffer,
            .end = reader.end,
            .most = reader.end + fast.largest_block,
            .old_end = decoder.old_end,
        };
        try output.put(try decoder.source.next());
        reader.end = output.end;
    }
};
