//! Arguments to a command line of Windows and back, by the rules of Microsoft's C runtime, which Python follows.
const std = @import("std");
const Allocator = std.mem.Allocator;

pub fn split(arena: Allocator, line: []const u16) ![]const []const u8 {
    var parts: std.process.Args.Iterator.Windows = try .init(arena, line);
    var arguments: std.ArrayList([]const u8) = .empty;
    while (parts.next()) |argument| try arguments.append(arena, argument);
    return arguments.items;
}

/// The line that splits into exactly the program and these arguments.
pub fn join(arena: Allocator, program: []const u8, arguments: []const []const u8) error{ Failed, OutOfMemory }![:0]u16 {
    var line: std.ArrayList(u8) = .empty;
    try line.print(arena, "\"{s}\"", .{program});
    for (arguments) |argument| {
        try line.append(arena, ' ');
        try quote(arena, &line, argument);
    }
    return std.unicode.wtf8ToWtf16LeAllocZ(arena, line.items) catch |err| switch (err) {
        error.OutOfMemory => |e| e,
        error.InvalidWtf8 => error.Failed,
    };
}

/// Backslashes are themselves, but before a quotation mark: there each one is doubled, and the mark gets one more.
fn quote(arena: Allocator, line: *std.ArrayList(u8), argument: []const u8) !void {
    if (argument.len > 0 and std.mem.findAny(u8, argument, " \t\n\x0b\"") == null) {
        return line.appendSlice(arena, argument);
    }
    try line.append(arena, '"');
    var backslashes: usize = 0;
    for (argument) |character| {
        if (character == '"') try line.appendNTimes(arena, '\\', backslashes + 1);
        backslashes = if (character == '\\') backslashes + 1 else 0;
        try line.append(arena, character);
    }
    try line.appendNTimes(arena, '\\', backslashes);
    try line.append(arena, '"');
}

test "what was joined splits into the same arguments" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var random: std.Random.DefaultPrng = .init(0);
    const letters = [_][]const u8{ "\"", "\\", " ", "a", "\t", "ü", "\u{1f600}", "%", "'" };
    for (0..2000) |_| {
        var arguments: [3][]const u8 = undefined;
        for (&arguments) |*argument| {
            var text: std.ArrayList(u8) = .empty;
            for (0..random.random().uintLessThan(usize, 8)) |_| {
                try text.appendSlice(arena.allocator(), letters[random.random().uintLessThan(usize, letters.len)]);
            }
            argument.* = text.items;
        }
        const line = try join(arena.allocator(), "C:\\a folder\\python.exe", &arguments);
        const found = try split(arena.allocator(), line);
        try std.testing.expectEqual(4, found.len);
        try std.testing.expectEqualStrings("C:\\a folder\\python.exe", found[0]);
        for (arguments, found[1..]) |given, got| try std.testing.expectEqualStrings(given, got);
    }
}
