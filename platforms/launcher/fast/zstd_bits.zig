//! The bit streams of zstd (RFC 8878, sections 4.1 and 4.2.2): one is read from the beginning, most from the end.
const std = @import("std");

pub const Malformed = error{Malformed};

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
    /// How many there are still. Below zero if too many were taken.
    left: isize,
    /// The next ones, the first of them highest.
    word: u64 = 0,

    /// `refill` makes so many ready to be taken.
    pub const ready = 57;

    pub fn init(bytes: []const u8) Malformed!Bits {
        if (bytes.len == 0 or bytes[bytes.len - 1] == 0) return error.Malformed;
        var bits: Bits = .{ .bytes = bytes, .left = @intCast(8 * bytes.len - 1 - @clz(bytes[bytes.len - 1])) };
        bits.refill();
        return bits;
    }

    pub inline fn refill(bits: *Bits) void {
        if (bits.left < 64) bits.word = last(bits.bytes.ptr, bits.left) else bits.refillFarFromBeginning();
    }

    /// The same where 64 bits are left.
    pub inline fn refillFarFromBeginning(bits: *Bits) void {
        const end = (@as(usize, @intCast(bits.left)) + 7) >> 3;
        const unused: u6 = @truncate(-%@as(usize, @bitCast(bits.left)) & 7);
        bits.word = std.mem.readInt(u64, bits.bytes[end - 8 ..][0..8], .little) << unused;
    }

    /// The next bits, if there are less than 64, and zeros.
    noinline fn last(bytes: [*]const u8, left: isize) u64 {
        @branchHint(.unlikely);
        if (left <= 0) return 0;
        const count: usize = @intCast(left);
        return std.mem.readVarInt(u64, bytes[0 .. (count + 7) >> 3], .little) << @intCast(64 - count);
    }

    /// Takes bits that are ready, less than 64.
    pub inline fn take(bits: *Bits, count: u8) u64 {
        const width: u6 = @truncate(count);
        defer {
            bits.word <<= width;
            bits.left -= count;
        }
        return bits.word >> 1 >> ~width;
    }
};

/// Reads bits from the beginning.
pub fn forward(bytes: []const u8, at: *usize, count: u5) Malformed!u64 {
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
