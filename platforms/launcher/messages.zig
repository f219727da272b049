//! What the launcher says. Messages go to stderr in the form that all BOINC applications use.
const std = @import("std");
const process = @import("system.zig").process;

/// The sentence that goes with the last error that `because` returned.
pub var reason: []const u8 = "";

/// Where sentences are kept; they are few and live as long as the process.
var sentences: std.heap.ArenaAllocator = .init(std.heap.page_allocator);

/// Keeps the sentence that explains an error, and returns the error.
pub fn because(err: anytype, comptime format: []const u8, values: anytype) @TypeOf(err) {
    reason = text(format, values);
    return err;
}

pub fn text(comptime format: []const u8, values: anytype) []const u8 {
    return std.fmt.allocPrint(sentences.allocator(), format, values) catch "failed to find memory for a message";
}

/// One line on stderr.
pub fn say(comptime format: []const u8, values: anytype) void {
    var time: [32]u8 = undefined;
    const begin = .{ process.timestamp(&time), process.id() };
    // A single write, so that lines of several processes don't mix.
    process.writeError(text("{s} ({d}): pymw launcher: " ++ format ++ "\n", begin ++ values));
}

/// One line on stdout.
pub fn print(comptime format: []const u8, values: anytype) void {
    process.writeOutput(text(format ++ "\n", values));
}
