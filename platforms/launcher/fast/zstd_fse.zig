//! Finite state entropy (RFC 8878, section 4.1), and what its symbols stand for in a block (section 3.1.1.3.2.1).
const std = @import("std");
const bit = @import("zstd_bits.zig");
const Bits = bit.Bits;
const Bytes = bit.Bytes;
const Malformed = bit.Malformed;

const most_symbols = 256;
const most_states = 512;

/// What the symbols of a table stand for: a base, to which as many bits are added. `usual`: the distribution that
/// blocks mostly have.
pub const Code = struct {
    widths: []const u8,
    bases: []const u32,
    usual: []const i8 = &.{},
    usual_log: u8 = 0,
    most_log: u8,

    fn cell(code: *const Code, symbol: u8) Malformed!Cell {
        if (symbol >= code.widths.len) return error.Malformed;
        return .{ .base = code.bases[symbol], .extra = code.widths[symbol], .next = 0, .bits = 0 };
    }
};

/// A state: what it stands for, and which state follows, but for some bits that are added.
pub const Cell = struct { base: u32, next: u16, extra: u8, bits: u8 };

/// A table of finite states. Its log is 0 if it has one symbol only.
pub const Table = struct {
    log: u8,
    is_known: bool,
    cells: [most_states]Cell,

    /// Reads a table in one of the four modes of a block's sequences.
    pub fn read(table: *Table, in: *Bytes, mode: u8, code: *const Code) Malformed!void {
        switch (mode) {
            0 => {
                var counts: [64]i16 = @splat(0);
                for (code.usual, counts[0..code.usual.len]) |count, *target| target.* = count;
                try table.build(counts[0..code.usual.len], code.usual_log, code);
            },
            1 => {
                table.log = 0;
                table.cells[0] = try code.cell((try in.take(1))[0]);
            },
            2 => try table.readCounts(in, code),
            else => if (!table.is_known) return error.Malformed,
        }
        table.is_known = true;
    }

    /// Reads a table from its distribution.
    pub fn readCounts(table: *Table, in: *Bytes, code: *const Code) Malformed!void {
        var at: usize = 0;
        const log: u8 = @intCast(5 + try bit.forward(in.left, &at, 4));
        if (log > code.most_log) return error.Malformed;
        var counts: [most_symbols]i16 = @splat(0);
        var remaining: i32 = @as(i32, 1) << @intCast(log);
        var symbol: usize = 0;
        while (remaining > 0) {
            if (symbol >= counts.len) return error.Malformed;
            const width: u5 = @intCast(32 - @clz(@as(u32, @intCast(remaining + 1))));
            var value: i32 = @intCast(try bit.forward(in.left, &at, width));
            const low = (@as(i32, 1) << (width - 1)) - 1;
            const threshold = (@as(i32, 1) << width) - 1 - (remaining + 1);
            if (value & low < threshold) {
                at -= 1;
                value &= low;
            } else if (value > low) value -= threshold;
            const count = value - 1;
            remaining -= if (count < 0) 1 else count;
            counts[symbol] = @intCast(count);
            symbol += 1;
            if (count == 0) while (true) {
                const zeros = try bit.forward(in.left, &at, 2);
                symbol += @intCast(zeros);
                if (zeros < 3) break;
            };
        }
        if (remaining < 0 or symbol > counts.len) return error.Malformed;
        _ = try in.take((at + 7) / 8);
        try table.build(counts[0..symbol], log, code);
    }

    /// Makes the states of a distribution whose sum is their number. A count of -1 is less than one.
    fn build(table: *Table, counts: []const i16, log: u8, code: *const Code) Malformed!void {
        const size = @as(usize, 1) << @intCast(log);
        var symbols: [most_states]u8 = undefined;
        spread(counts, symbols[0..size]);
        var next: [most_symbols]u16 = undefined;
        for (counts, next[0..counts.len]) |count, *first| first.* = @intCast(@max(count, 1));
        for (table.cells[0..size], symbols[0..size]) |*cell, symbol| {
            const number = next[symbol];
            next[symbol] += 1;
            cell.* = try code.cell(symbol);
            cell.bits = @intCast(log - (15 - @clz(number)));
            cell.next = @intCast((@as(usize, number) << @intCast(cell.bits)) - size);
        }
        table.log = log;
    }

    /// The number of the first state.
    pub fn start(table: *const Table, bits: *Bits) usize {
        return @intCast(bits.take(table.log));
    }
};

/// Gives each state its symbol.
fn spread(counts: []const i16, symbols: []u8) void {
    const size = symbols.len;
    var high = size;
    for (counts, 0..) |count, symbol| if (count < 0) {
        high -= 1;
        symbols[high] = @intCast(symbol);
    };
    var place: usize = 0;
    for (counts, 0..) |count, symbol| if (count > 0) for (0..@intCast(count)) |_| {
        symbols[place] = @intCast(symbol);
        place = (place + (size >> 1) + (size >> 3) + 3) & (size - 1);
        while (place >= high) place = (place + (size >> 1) + (size >> 3) + 3) & (size - 1);
    };
}

pub const lengths = codeOf(&(@as([16]u8, @splat(0)) ++ [_]u8{
    1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
}), 0, 9, 6, &.{
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
    2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
});
pub const matches = codeOf(&(@as([32]u8, @splat(0)) ++ [_]u8{
    1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
}), 3, 9, 6, &([_]i8{ 1, 4, 3, 2, 2, 2, 2, 2, 2 } ++ @as([37]i8, @splat(1)) ++ @as([7]i8, @splat(-1))));
pub const offsets = codeOf(
    &std.simd.iota(u8, 32),
    1,
    8,
    5,
    &([_]i8{ 1, 1, 1, 1, 1, 1, 2, 2, 2 } ++ @as([15]i8, @splat(1)) ++ @as([5]i8, @splat(-1))),
);
/// Of the lengths of Huffman codes.
pub const weights = codeOf(&@as([12]u8, @splat(0)), 0, 6, 0, &.{});

/// Symbols that stand for numbers without a gap, from `first` on.
fn codeOf(
    comptime widths: []const u8,
    comptime first: u32,
    comptime most_log: u8,
    comptime usual_log: u8,
    comptime usual: []const i8,
) Code {
    comptime var bases: [widths.len]u32 = undefined;
    comptime var base: u64 = first;
    inline for (widths, &bases) |width, *target| {
        target.* = @intCast(base);
        base += 1 << width;
    }
    const made = bases;
    return .{ .widths = widths, .bases = &made, .usual = usual, .usual_log = usual_log, .most_log = most_log };
}
