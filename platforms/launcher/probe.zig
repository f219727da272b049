//! Asks a Python what it is, by running it: nothing else can be trusted, neither its name nor what a registry says.
const std = @import("std");
const messages = @import("messages.zig");
const process = @import("system.zig").process;
const Version = @import("version.zig").Version;

pub const Python = struct {
    version: Version,
    bits: u16,
    /// Comma separated names of the required modules that it lacks.
    missing: []const u8,
};

pub const Verdict = union(enum) {
    python: Python,
    /// Why it is none that can be used.
    unusable: []const u8,
};

const time_limit = 5000;
const magic = "PyMW-Python 1";

/// Runs in Python 2.5 to 3.14. The slot folder is taken out of the path first: a file there could be named struct.py.
const question =
    \\import sys
    \\del sys.path[0]
    \\import os, struct
    \\missing = []
    \\for name in sys.argv[1:]:
    \\    try:
    \\        __import__(name)
    \\    except Exception:
    \\        missing.append(name)
    \\kind = getattr(getattr(sys, "implementation", None), "name", None)
    \\if kind is None:
    \\    kind = hasattr(sys, "pypy_version_info") and "pypy" or sys.platform
    \\    if not kind.startswith(("pypy", "java", "cli")):
    \\        kind = "cpython"
    \\version = "%d.%d" % tuple(sys.version_info[:2])
    \\sys.stdout.write("PyMW-Python 1 %s %s %s %d %s\n" % (
    \\    kind, os.name, version, 8 * struct.calcsize("P"), ",".join(missing) or "-"))
;

pub fn run(arena: std.mem.Allocator, path: []const u8, modules: []const []const u8) !Verdict {
    const arguments = try std.mem.concat(arena, []const u8, &.{ &.{ "-E", "-c", question }, modules });
    const buffer = try arena.alloc(u8, 4096);
    const capture = try process.capture(arena, path, arguments, buffer, time_limit);
    switch (capture.ending) {
        .too_slow => return unusable("it did not answer in 5 s", .{}),
        .too_much_output => return unusable("it printed more than an answer", .{}),
        .not_started => |cause| return unusable("it could not be started: {s}", .{cause}),
        .signal => |number| return unusable("it was ended by signal {d}", .{number}),
        .status => |status| if (status != 0) return unusable("it ended with status {d}", .{status}),
    }
    return understand(capture.output) orelse unusable("its answer was not that of a Python", .{});
}

/// The last line counts: a sitecustomize may print what it likes before it.
fn understand(output: []const u8) ?Verdict {
    const answer = std.mem.trimEnd(u8, output, "\r\n");
    const line = if (std.mem.findScalarLast(u8, answer, '\n')) |end| answer[end + 1 ..] else answer;
    var words = std.mem.splitScalar(u8, std.mem.cutPrefix(u8, line, magic ++ " ") orelse return null, ' ');
    const kind = words.next() orelse return null;
    const system = words.next() orelse return null;
    const version = Version.parse(words.next() orelse return null) orelse return null;
    const bits = std.fmt.parseInt(u16, words.next() orelse return null, 10) catch return null;
    const missing = words.next() orelse return null;
    if (words.next() != null) return null;
    if (!std.mem.eql(u8, kind, "cpython")) return unusable("it is {s}, not CPython", .{kind});
    const here = process.os_name;
    if (!std.mem.eql(u8, system, here)) return unusable("it is made for {s}, not {s}", .{ system, here });
    const is_complete = std.mem.eql(u8, missing, "-");
    return .{ .python = .{ .version = version, .bits = bits, .missing = if (is_complete) "" else missing } };
}

fn unusable(comptime format: []const u8, values: anytype) Verdict {
    return .{ .unusable = messages.text(format, values) };
}
