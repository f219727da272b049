//! Python versions, as far as they matter here: major and minor.
const std = @import("std");

pub const Version = struct {
    major: u16,
    minor: u16,

    /// `3.11`, or `3.11.9` of which the rest does not matter.
    pub fn parse(text: []const u8) ?Version {
        var parts = std.mem.splitScalar(u8, text, '.');
        const major = number(parts.next() orelse return null) orelse return null;
        const minor = number(parts.next() orelse return null) orelse return null;
        if (parts.next()) |patch| _ = number(patch) orelse return null;
        return if (parts.next() == null) .{ .major = major, .minor = minor } else null;
    }

    pub fn isBefore(version: Version, other: Version) bool {
        return version.major < other.major or (version.major == other.major and version.minor < other.minor);
    }

    pub fn format(version: Version, writer: *std.Io.Writer) std.Io.Writer.Error!void {
        try writer.print("{d}.{d}", .{ version.major, version.minor });
    }
};

/// Both ends included; an absent end is open.
pub const Range = struct {
    oldest: ?Version = null,
    newest: ?Version = null,

    /// `3.11` is exactly that, `3.8-` has no upper end, `2.7-3.12` both.
    pub fn parse(text: []const u8) ?Range {
        const first, const second = std.mem.cutScalar(u8, text, '-') orelse .{ text, text };
        const oldest = Version.parse(first) orelse return null;
        if (second.len == 0) return .{ .oldest = oldest };
        const newest = Version.parse(second) orelse return null;
        return if (newest.isBefore(oldest)) null else .{ .oldest = oldest, .newest = newest };
    }

    pub fn contains(range: Range, version: Version) bool {
        if (range.oldest) |oldest| if (version.isBefore(oldest)) return false;
        if (range.newest) |newest| if (newest.isBefore(version)) return false;
        return true;
    }

    pub fn format(range: Range, writer: *std.Io.Writer) std.Io.Writer.Error!void {
        const oldest = range.oldest orelse {
            if (range.newest) |newest| return writer.print("{f} or older", .{newest});
            return writer.writeAll("any version");
        };
        const newest = range.newest orelse return writer.print("{f} or newer", .{oldest});
        if (std.meta.eql(oldest, newest)) return writer.print("{f}", .{oldest});
        try writer.print("{f} to {f}", .{ oldest, newest });
    }
};

fn number(text: []const u8) ?u16 {
    // parseInt alone would take "+3" and "1_0".
    for (text) |character| if (!std.ascii.isDigit(character)) return null;
    return std.fmt.parseInt(u16, text, 10) catch null;
}

test "versions are compared by number, ranges include both ends" {
    const range = Range.parse("2.7-3.12").?;
    try std.testing.expect(range.contains(Version.parse("2.7").?));
    try std.testing.expect(range.contains(Version.parse("3.12.4").?));
    try std.testing.expect(range.contains(Version.parse("3.9").?));
    try std.testing.expect(!range.contains(Version.parse("3.13").?));
    try std.testing.expect(!range.contains(Version.parse("2.6").?));
    try std.testing.expect(Range.parse("3.8-").?.contains(Version.parse("4.0").?));
}

test "what is no version is refused" {
    for ([_][]const u8{ "", "3", "3.", ".3", "3.+1", "3.1_0", "3.x", "3.1.2.3", "99999.1" }) |text| {
        try std.testing.expectEqual(null, Version.parse(text));
    }
    try std.testing.expectEqual(null, Range.parse("3.9-3.8"));
}
