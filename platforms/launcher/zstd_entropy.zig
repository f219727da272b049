//! The codes of zstd (RFC 8878, section 4): bit streams, finite state entropy, Huffman.
const std = @import("std");

const Malformed = error{Malformed};

/// What is left of some bytes.
pub const Bytes = struct {
    left: []const u8,

    pub fn take(bytes: *Bytes, count: usize) Malformed![]const u8 {
        if (bytes.left.len < count) return error.Malformed;
        defer bytes.left = bytes.left[count..];
        return bytes.left[0..count];
    }

    pub fn number(bytes: *Bytes, count: usize) Malformed!u64 {
        return std.mem.readVarInt(u64, try bytes.take(count), .little);
    }
};

/// Bits that are read from the end; the highest bit that is set marks it. Before the beginning there are zeros.
pub const Bits = struct {
    bytes: []const u8,
    left: isize,

    pub fn init(bytes: []const u8) Malformed!Bits {
        if (bytes.len == 0 or bytes[bytes.len - 1] == 0) return error.Malformed;
        return .{ .bytes = bytes, .left = @intCast(8 * bytes.len - 1 - @clz(bytes[bytes.len - 1])) };
    }

    /// The next bits, 56 at most, without reading them.
    pub inline fn peek(bits: *const Bits, count: u6) u64 {
        const first = bits.left - count;
        if (first < 0) return bits.peekBeforeBeginning(count);
        const place: usize = @intCast(first >> 3);
        const mask = (@as(u64, 1) << count) - 1;
        const word = if (place + 8 <= bits.bytes.len)
            std.mem.readInt(u64, bits.bytes[place..][0..8], .little)
        else
            std.mem.readVarInt(u64, bits.bytes[@min(place, bits.bytes.len)..], .little);
        return word >> @intCast(first & 7) & mask;
    }

    fn peekBeforeBeginning(bits: *const Bits, count: u6) u64 {
        if (bits.left <= 0) return 0;
        const there: u6 = @intCast(bits.left);
        return bits.peek(there) << (count - there);
    }

    pub inline fn read(bits: *Bits, count: u8) u64 {
        defer bits.left -= count;
        return bits.peek(@intCast(count));
    }
};

/// A table of finite states. Its log is 0 for one that was not read yet, or has one symbol only.
pub const Fse = struct {
    log: u8 = 0,
    is_known: bool = false,
    states: [512]State = undefined,

    pub const State = struct { symbol: u8, bits: u8, base: u16 };

    /// Reads a table in one of the four modes of a block's sequences.
    pub fn read(table: *Fse, in: *Bytes, mode: u8, usual: []const i8, most_log: u8) Malformed!void {
        switch (mode) {
            0 => {
                const log: u8 = if (usual.ptr == &usual_offsets) 5 else 6;
                var counts: [64]i16 = @splat(0);
                for (usual, counts[0..usual.len]) |count, *target| target.* = count;
                table.build(counts[0..usual.len], log);
            },
            1 => {
                table.log = 0;
                table.states[0] = .{ .symbol = (try in.take(1))[0], .bits = 0, .base = 0 };
            },
            2 => try table.readCounts(in, most_log),
            else => if (!table.is_known) return error.Malformed,
        }
        table.is_known = true;
    }

    /// Reads a table from its distribution.
    fn readCounts(table: *Fse, in: *Bytes, most_log: u8) Malformed!void {
        var at: usize = 0;
        const log: u8 = @intCast(5 + try forward(in.left, &at, 4));
        if (log > most_log) return error.Malformed;
        var counts: [256]i16 = @splat(0);
        var remaining: i32 = @as(i32, 1) << @intCast(log);
        var symbol: usize = 0;
        while (remaining > 0) {
            if (symbol >= counts.len) return error.Malformed;
            const width: u5 = @intCast(32 - @clz(@as(u32, @intCast(remaining + 1))));
            var value: i32 = @intCast(try forward(in.left, &at, width));
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
                const zeros = try forward(in.left, &at, 2);
                symbol += @intCast(zeros);
                if (zeros < 3) break;
            };
        }
        if (remaining < 0 or symbol > counts.len) return error.Malformed;
        _ = try in.take((at + 7) / 8);
        table.build(counts[0..symbol], log);
    }

    /// Spreads the symbols over the states. A count of -1 is less than one.
    fn build(table: *Fse, counts: []const i16, log: u8) void {
        const size = @as(usize, 1) << @intCast(log);
        var next: [256]u16 = undefined;
        var high = size;
        for (counts, 0..) |count, symbol| if (count < 0) {
            high -= 1;
            table.states[high].symbol = @intCast(symbol);
            next[symbol] = 1;
        };
        var place: usize = 0;
        for (counts, 0..) |count, symbol| if (count > 0) {
            next[symbol] = @intCast(count);
            for (0..@intCast(count)) |_| {
                table.states[place].symbol = @intCast(symbol);
                place = (place + (size >> 1) + (size >> 3) + 3) & (size - 1);
                while (place >= high) place = (place + (size >> 1) + (size >> 3) + 3) & (size - 1);
            }
        };
        for (table.states[0..size]) |*state| {
            const number = next[state.symbol];
            next[state.symbol] += 1;
            state.bits = @intCast(log - (15 - @clz(number)));
            state.base = @intCast((@as(usize, number) << @intCast(state.bits)) - size);
        }
        table.log = log;
    }

    pub inline fn start(table: *const Fse, bits: *Bits) State {
        return table.states[@intCast(bits.read(table.log))];
    }

    pub inline fn follow(table: *const Fse, state: State, bits: *Bits) State {
        return table.states[@intCast(state.base + bits.read(state.bits))];
    }
};

/// Reads bits from the beginning.
fn forward(bytes: []const u8, at: *usize, count: u5) Malformed!u64 {
    if (at.* + count > 8 * bytes.len) {
        // A distribution's last number may be read one bit too far.
        if (at.* + count > 8 * bytes.len + 1) return error.Malformed;
    }
    const first = at.* / 8;
    const word = std.mem.readVarInt(u64, bytes[first..@min(first + 5, bytes.len)], .little);
    const value = word >> @intCast(at.* % 8) & ((@as(u64, 1) << count) - 1);
    at.* += count;
    return value;
}

/// Prefix codes of eleven bits at most: a symbol for each sequence of `log` bits.
pub const Huffman = struct {
    log: u6,
    entries: [1 << most]Entry,

    const most = 11;
    const Entry = struct { symbol: u8, bits: u8 };

    pub fn read(in: *Bytes) Malformed!Huffman {
        var weights: [256]u8 = @splat(0);
        const count = try readWeights(in, weights[0..255]);
        var sum: u32 = 0;
        for (weights[0..count]) |weight| {
            if (weight > most) return error.Malformed;
            if (weight > 0) sum += @as(u32, 1) << @intCast(weight - 1);
        }
        if (sum == 0) return error.Malformed;
        const log: u6 = @intCast(32 - @clz(sum));
        const rest = (@as(u32, 1) << @intCast(log)) - sum;
        if (log > most or @popCount(rest) != 1) return error.Malformed;
        weights[count] = @intCast(@ctz(rest) + 1);
        var table: Huffman = .{ .log = log, .entries = undefined };
        var place: usize = 0;
        for (1..log + 1) |weight| for (weights[0 .. count + 1], 0..) |found, symbol| if (found == weight) {
            const size = @as(usize, 1) << @intCast(weight - 1);
            @memset(table.entries[place..][0..size], .{ .symbol = @intCast(symbol), .bits = @intCast(log + 1 - weight) });
            place += size;
        };
        return table;
    }

    fn readWeights(in: *Bytes, weights: []u8) Malformed!usize {
        const head = (try in.take(1))[0];
        if (head >= 128) {
            const count: usize = head - 127;
            for (try in.take((count + 1) / 2), 0..) |byte, index| {
                weights[2 * index] = byte >> 4;
                weights[2 * index + 1] = byte & 15;
            }
            return count;
        }
        var part: Bytes = .{ .left = try in.take(head) };
        var table: Fse = .{};
        try table.readCounts(&part, 6);
        var bits: Bits = try .init(part.left);
        var states = [2]Fse.State{ table.start(&bits), table.start(&bits) };
        for (0..weights.len - 1) |count| {
            const state = &states[count % 2];
            weights[count] = state.symbol;
            if (bits.left < state.bits) {
                weights[count + 1] = states[(count + 1) % 2].symbol;
                return count + 2;
            }
            state.* = table.follow(state.*, &bits);
        }
        return error.Malformed;
    }

    /// Decodes one stream, which must end with the target.
    pub fn decode(table: *const Huffman, stream: []const u8, target: []u8) Malformed!void {
        var bits: Bits = try .init(stream);
        const mask = (@as(u64, 1) << table.log) - 1;
        const at_once = 5;
        const width: u6 = at_once * most;
        var index: usize = 0;
        while (index + at_once <= target.len and bits.left >= width) {
            const word = bits.peek(width);
            var used: u6 = 0;
            inline for (0..at_once) |_| {
                const entry = table.entries[@intCast(word >> @intCast(width - used - table.log) & mask)];
                target[index] = entry.symbol;
                index += 1;
                used += @intCast(entry.bits);
            }
            bits.left -= used;
        }
        for (target[index..]) |*byte| {
            const entry = table.entries[@intCast(bits.peek(table.log))];
            byte.* = entry.symbol;
            bits.left -= entry.bits;
        }
        if (bits.left != 0) return error.Malformed;
    }
};

/// The distributions that blocks mostly have.
pub const usual_lengths = [_]i8{
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
    2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
};
pub const usual_matches = [_]i8{ 1, 4, 3, 2, 2, 2, 2, 2, 2 } ++ @as([37]i8, @splat(1)) ++ @as([7]i8, @splat(-1));
pub const usual_offsets = [_]i8{ 1, 1, 1, 1, 1, 1, 2, 2, 2 } ++ @as([15]i8, @splat(1)) ++ @as([5]i8, @splat(-1));

/// What the codes of lengths stand for: a base, to which as many bits are added.
pub const length_bits = @as([16]u8, @splat(0)) ++ [_]u8{ 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
pub const match_bits = @as([32]u8, @splat(0)) ++
    [_]u8{ 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
pub const length_bases = bases(&length_bits, 0);
pub const match_bases = bases(&match_bits, 3);

fn bases(comptime widths: []const u8, comptime first: u32) [widths.len]u32 {
    var found: [widths.len]u32 = undefined;
    var base = first;
    for (widths, &found) |width, *target| {
        target.* = base;
        base += 1 << width;
    }
    return found;
}
