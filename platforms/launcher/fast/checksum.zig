//! The checksum of a file: xxHash32. Made for speed, and it notices every single bit. Nobody who could forge it needs
//! to: the folder is the user's. The std has it as well, but is built to be small.
const std = @import("std");

const primes = [5]u32{ 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1 };
const stripe = 16;

pub const Sum = struct {
    lanes: [4]u32 = .{ primes[0] +% primes[1], primes[1], 0, 0 -% primes[0] },
    /// What does not make a stripe yet.
    rest: [stripe]u8 = undefined,
    length: u64 = 0,

    pub fn update(sum: *Sum, bytes: []const u8) void {
        const waiting: usize = @intCast(sum.length % stripe);
        sum.length += bytes.len;
        if (waiting + bytes.len < stripe) return @memcpy(sum.rest[waiting..][0..bytes.len], bytes);
        var left = bytes;
        if (waiting > 0) {
            @memcpy(sum.rest[waiting..], left[0 .. stripe - waiting]);
            left = left[stripe - waiting ..];
            sum.mix(&sum.rest);
        }
        const whole = left.len - left.len % stripe;
        sum.mix(left[0..whole]);
        @memcpy(sum.rest[0 .. left.len - whole], left[whole..]);
    }

    fn mix(sum: *Sum, stripes: []const u8) void {
        var lanes = sum.lanes;
        var place: usize = 0;
        while (place < stripes.len) : (place += stripe) inline for (&lanes, 0..) |*lane, index| {
            const word = std.mem.readInt(u32, stripes[place + 4 * index ..][0..4], .little);
            lane.* = std.math.rotl(u32, lane.* +% word *% primes[1], 13) *% primes[0];
        };
        sum.lanes = lanes;
    }

    pub fn final(sum: *const Sum) u32 {
        var found = primes[4];
        if (sum.length >= stripe) {
            found = 0;
            for (sum.lanes, [4]u5{ 1, 7, 12, 18 }) |lane, turn| found +%= std.math.rotl(u32, lane, turn);
        }
        found +%= @truncate(sum.length);
        var left: []const u8 = sum.rest[0..@intCast(sum.length % stripe)];
        while (left.len >= 4) : (left = left[4..]) {
            found +%= std.mem.readInt(u32, left[0..4], .little) *% primes[2];
            found = std.math.rotl(u32, found, 17) *% primes[3];
        }
        for (left) |byte| found = std.math.rotl(u32, found +% byte *% primes[4], 11) *% primes[0];
        found = (found ^ found >> 15) *% primes[1];
        found = (found ^ found >> 13) *% primes[2];
        return found ^ found >> 16;
    }
};

test "in whatever pieces it comes to what the std comes to" {
    var bytes: [500]u8 = undefined;
    var chance: std.Random.DefaultPrng = .init(7);
    chance.random().bytes(&bytes);
    for (0..bytes.len) |length| {
        var sum: Sum = .{};
        var left: []const u8 = bytes[0..length];
        while (left.len > 0) {
            const piece = @min(left.len, chance.random().uintLessThan(usize, 40));
            sum.update(left[0..piece]);
            left = left[piece..];
        }
        try std.testing.expectEqual(std.hash.XxHash32.hash(0, bytes[0..length]), sum.final());
    }
}
