//! The prefix codes of zstd's literals (RFC 8878, section 4.2).
const std = @import("std");
const bit = @import("zstd_bits.zig");
const fse = @import("zstd_fse.zig");

/// Prefix codes of eleven bits at most: a symbol for each sequence of `log` bits.
pub const Huffman = struct {
    /// 0: none was read.
    log: u8,
    entries: [1 << most]Entry,

    const most = 11;
    const Entry = struct { symbol: u8, bits: u8 };

    pub fn read(table: *Huffman, in: *bit.Bytes) bit.Malformed!void {
        table.log = 0;
        var weights: [256]u8 = @splat(0);
        const count = try readWeights(in, weights[0..255]);
        var sum: u32 = 0;
        for (weights[0..count]) |weight| {
            if (weight > most) return error.Malformed;
            if (weight > 0) sum += @as(u32, 1) << @intCast(weight - 1);
        }
        if (sum == 0) return error.Malformed;
        const log: u8 = @intCast(32 - @clz(sum));
        const rest = (@as(u32, 1) << @intCast(log)) - sum;
        if (log > most or @popCount(rest) != 1) return error.Malformed;
        weights[count] = @intCast(@ctz(rest) + 1);
        table.log = log;
        // The symbols of a weight have as many entries each; the lowest weight comes first.
        var places: [most + 2]u16 = @splat(0);
        for (weights[0 .. count + 1]) |weight| places[weight + 1] += sizeOf(weight);
        for (1..places.len) |weight| places[weight] += places[weight - 1];
        for (weights[0 .. count + 1], 0..) |weight, symbol| {
            const entry: Entry = .{ .symbol = @intCast(symbol), .bits = @intCast(log + 1 - weight) };
            @memset(table.entries[places[weight]..][0..sizeOf(weight)], entry);
            places[weight] += sizeOf(weight);
        }
    }

    fn sizeOf(weight: u8) u16 {
        return if (weight == 0) 0 else @as(u16, 1) << @intCast(weight - 1);
    }

    fn readWeights(in: *bit.Bytes, weights: []u8) bit.Malformed!usize {
        const head = (try in.take(1))[0];
        if (head >= 128) {
            const count: usize = head - 127;
            for (try in.take((count + 1) / 2), 0..) |byte, index| {
                weights[2 * index] = byte >> 4;
                weights[2 * index + 1] = byte & 15;
            }
            return count;
        }
        var part: bit.Bytes = .{ .left = try in.take(head) };
        var table: fse.Table = undefined;
        try table.readCounts(&part, &fse.weights);
        var bits: bit.Bits = try .init(part.left);
        var states = [2]usize{ table.start(&bits), table.start(&bits) };
        for (0..weights.len - 1) |count| {
            const cell = table.cells[states[count % 2]];
            weights[count] = @intCast(cell.base);
            if (bits.left < cell.bits) {
                weights[count + 1] = @intCast(table.cells[states[(count + 1) % 2]].base);
                return count + 2;
            }
            bits.refill();
            states[count % 2] = cell.next + @as(usize, @intCast(bits.take(cell.bits)));
        }
        return error.Malformed;
    }

    /// Decodes literals that are in one stream.
    pub fn decode(table: *const Huffman, stream: []const u8, target: []u8) bit.Malformed!void {
        var bits: bit.Bits = try .init(stream);
        return table.finish(&bits, target);
    }

    /// Decodes literals that are in four streams, by turns: a processor can do so much at a time.
    pub fn decodeFour(table: *const Huffman, streams: [4][]const u8, target: []u8) bit.Malformed!void {
        const part = (target.len + 3) / 4;
        if (3 * part > target.len) return error.Malformed;
        var bits: [4]bit.Bits = undefined;
        for (&bits, streams) |*of, stream| of.* = try .init(stream);
        const shift: u6 = @intCast(64 - table.log);
        const shortest = target.len - 3 * part;
        var done: usize = 0;
        while (done + at_once <= shortest) : (done += at_once) {
            if (@min(bits[0].left, bits[1].left, bits[2].left, bits[3].left) < 64) break;
            inline for (&bits) |*of| of.refillFarFromBeginning();
            inline for (0..at_once) |index| inline for (&bits, 0..) |*of, number| {
                const entry = table.entries[@intCast(of.word >> shift)];
                target[number * part + done + index] = entry.symbol;
                of.word <<= @intCast(entry.bits);
                of.left -= entry.bits;
            };
        }
        for (&bits, 0..) |*of, number| {
            const end = if (number == 3) target.len else (number + 1) * part;
            try table.finish(of, target[number * part + done .. end]);
        }
    }

    /// So many symbols are in the bits that are ready.
    const at_once = bit.Bits.ready / most;

    /// Decodes the rest of a stream, which must end with the target.
    fn finish(table: *const Huffman, bits: *bit.Bits, target: []u8) bit.Malformed!void {
        const shift: u6 = @intCast(64 - table.log);
        var left = target;
        while (left.len > 0) {
            const count = @min(left.len, at_once);
            bits.refill();
            for (left[0..count]) |*byte| {
                const entry = table.entries[@intCast(bits.word >> shift)];
                byte.* = entry.symbol;
                _ = bits.take(entry.bits);
            }
            left = left[count..];
        }
        if (bits.left != 0) return error.Malformed;
    }
};
