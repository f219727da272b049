//! This process and the ones it starts, through libc.
const builtin = @import("builtin");
const std = @import("std");
const c = std.c;
const Allocator = std.mem.Allocator;
const files = @import("files_posix.zig");

pub const entry_name = "main";

/// The entry point of a program: hands it its arguments, without its own name.
pub fn Entry(comptime program: fn (arena: Allocator, arguments: []const []const u8) noreturn) type {
    return struct {
        pub fn main(count: c_int, values: [*]const [*:0]const u8) callconv(.c) c_int {
            var arena: std.heap.ArenaAllocator = .init(std.heap.page_allocator);
            openStandardFiles();
            const given = values[0..@intCast(count)];
            if (given.len > 0) called_as = std.mem.span(given[0]);
            const arguments = arena.allocator().alloc([]const u8, given.len -| 1) catch exit(1);
            for (arguments, given[given.len - arguments.len ..]) |*argument, value| argument.* = std.mem.span(value);
            program(arena.allocator(), arguments);
        }
    };
}

/// Whoever starts us may have closed some of the first three: the next file would take the number, and get our messages.
fn openStandardFiles() void {
    while (true) {
        const handle = c.open("/dev/null", .{ .ACCMODE = .RDWR }, @as(c_uint, 0));
        if (handle > 2) files.close(handle);
        if (handle < 0 or handle > 2) return;
    }
}

/// `os.name` of a Python made for this system.
pub const os_name = "posix";

var called_as: []const u8 = "";

pub fn exit(status: u32) noreturn {
    c.exit(@truncate(@as(c_int, @bitCast(status))));
}

pub fn id() u32 {
    return @intCast(c.getpid());
}

pub fn userId() u32 {
    return c.geteuid();
}

/// Seconds since 1970.
pub fn now() i64 {
    return clock(.REALTIME).sec;
}

/// From a clock that never jumps.
pub fn milliseconds() u64 {
    const time = clock(.MONOTONIC);
    return @as(u64, @intCast(time.sec)) * 1000 + @as(u64, @intCast(time.nsec)) / std.time.ns_per_ms;
}

fn clock(which: c.clockid_t) c.timespec {
    var time: c.timespec = undefined;
    _ = c.clock_gettime(which, &time);
    return time;
}

/// A number that no other process started at the same moment has.
pub fn uniqueNumber() u64 {
    return @as(u64, @intCast(clock(.REALTIME).nsec)) ^ @intFromPtr(&called_as);
}

/// `YYYY-mm-dd HH:MM:SS`, local time, as every BOINC application begins its messages.
pub fn timestamp(buffer: *[32]u8) []const u8 {
    const seconds: c.time_t = @intCast(now());
    var broken_down: [64]u8 align(16) = undefined;
    const filled = strftime(buffer, buffer.len, "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &broken_down));
    return buffer[0..filled];
}

pub fn sleep(duration: u32) void {
    const time: c.timespec = .{
        .sec = @intCast(duration / 1000),
        .nsec = @intCast(duration % 1000 * std.time.ns_per_ms),
    };
    _ = c.nanosleep(&time, null);
}

pub fn environment(arena: Allocator, name: []const u8) ?[]const u8 {
    const value = c.getenv(arena.dupeSentinel(u8, name, 0) catch return null) orelse return null;
    return std.mem.span(value);
}

/// Absolute path of the running program. Without /proc (an empty chroot) the kernel's own record of the name
/// that was executed is used, which may be relative to the current folder.
pub fn ownPath(arena: Allocator) ?[]const u8 {
    if (builtin.os.tag == .macos) {
        var buffer: [std.fs.max_path_bytes]u8 = undefined;
        var size: u32 = buffer.len;
        if (c._NSGetExecutablePath(&buffer, &size) != 0) return null;
        return files.realPath(arena, std.mem.sliceTo(&buffer, 0));
    }
    if (files.realPath(arena, "/proc/self/exe")) |path| return path;
    const executed = c.getauxval(at_execfn);
    if (executed == 0) return files.realPath(arena, called_as);
    return files.realPath(arena, std.mem.span(@as([*:0]const u8, @ptrFromInt(executed))));
}

/// `AT_EXECFN` of Linux's <elf.h>.
const at_execfn = 31;

pub fn writeError(bytes: []const u8) void {
    files.write(2, bytes) catch {};
}

pub fn writeOutput(bytes: []const u8) void {
    files.write(1, bytes) catch {};
}

/// A path as another program is given it.
pub fn pathArgument(path: []const u8) []const u8 {
    return path;
}

/// A list of arguments or variables, as the kernel takes it.
const Strings = [*:null]const ?[*:0]const u8;

/// Becomes another program. Returns only if that fails.
pub fn replace(arena: Allocator, program: []const u8, arguments: []const []const u8) files.Error {
    const path = try arena.dupeSentinel(u8, program, 0);
    const list = try argumentList(arena, program, arguments);
    _ = c.execve(path, list, try cleanEnvironment(arena));
    return files.failure();
}

fn argumentList(arena: Allocator, program: []const u8, arguments: []const []const u8) !Strings {
    const list = try arena.allocSentinel(?[*:0]const u8, arguments.len + 1, null);
    list[0] = try arena.dupeSentinel(u8, program, 0);
    for (list[1..], arguments) |*slot, argument| slot.* = try arena.dupeSentinel(u8, argument, 0);
    return list.ptr;
}

/// The environment without what the client adds for libraries: its entries are relative to the slot folder, and
/// would make Python load whatever lies in the project folder.
fn cleanEnvironment(arena: Allocator) !Strings {
    var kept: std.ArrayList(?[*:0]const u8) = .empty;
    var index: usize = 0;
    while (c.environ[index]) |variable| : (index += 1) {
        const name, const value = std.mem.cutScalar(u8, std.mem.span(variable), '=') orelse continue;
        if (std.mem.eql(u8, name, "LD_LIBRARY_PATH") or std.mem.eql(u8, name, "DYLD_LIBRARY_PATH")) {
            const absolute = try absoluteEntries(arena, value);
            if (absolute.len == 0) continue;
            try kept.append(arena, (try std.mem.concatWithSentinel(arena, u8, &.{ name, "=", absolute }, 0)).ptr);
        } else try kept.append(arena, variable);
    }
    return (try kept.toOwnedSliceSentinel(arena, null)).ptr;
}

fn absoluteEntries(arena: Allocator, list: []const u8) ![]const u8 {
    var kept: std.ArrayList([]const u8) = .empty;
    var entries = std.mem.splitScalar(u8, list, ':');
    while (entries.next()) |entry| {
        if (entry.len > 0 and entry[0] == '/') try kept.append(arena, entry);
    }
    return std.mem.join(arena, ":", kept.items);
}

/// What a short-lived process printed and how it ended.
pub const Capture = struct { output: []const u8, ending: Ending };
pub const Ending = union(enum) { status: u32, signal: u32, too_slow, too_much_output, not_started: []const u8 };

/// Gives the program that this process becomes what the worker's `environment.py` gives a task's process, so that the
/// worker's forks may be one. False where there are no forks.
pub fn prepareToFork(arena: Allocator) error{OutOfMemory}!bool {
    var hidden: std.ArrayList([*:0]const u8) = .empty;
    var index: usize = 0;
    while (c.environ[index]) |variable| : (index += 1) {
        const name, _ = std.mem.cutScalar(u8, std.mem.span(variable), '=') orelse continue;
        if (std.mem.startsWith(u8, name, "PYTHON")) try hidden.append(arena, try arena.dupeSentinel(u8, name, 0));
    }
    for (hidden.items) |name| _ = unsetenv(name);
    try set("PYTHONHASHSEED", "0");
    try set("PYTHONIOENCODING", "utf-8:backslashreplace");
    // What a task leaves behind becomes a child of this process. The worker could do so itself, by a module that takes
    // longer to import than a short task takes.
    if (builtin.os.tag == .linux and c.prctl(@backingInt(std.os.linux.PR.SET_CHILD_SUBREAPER), @as(c_ulong, 1)) == 0) {
        try set("PYMW_SUBREAPER", try std.fmt.allocPrintSentinel(arena, "{d}", .{id()}, 0));
    }
    return true;
}

fn set(name: [*:0]const u8, value: [*:0]const u8) error{OutOfMemory}!void {
    if (setenv(name, value, 1) != 0) return error.OutOfMemory;
}

/// Runs a program to its end, or kills it and its process group when the time is over or the buffer full.
pub fn capture(
    arena: Allocator,
    program: []const u8,
    arguments: []const []const u8,
    buffer: []u8,
    limit: u32,
) !Capture {
    const path = try arena.dupeSentinel(u8, program, 0);
    const list = try argumentList(arena, program, arguments);
    const variables = try cleanEnvironment(arena);
    var ends: [2]c.fd_t = undefined;
    if (c.pipe(&ends) != 0) return notStarted(arena);
    const child = c.fork();
    if (child == 0) becomeProbe(path, list, variables, ends);
    _ = c.close(ends[1]);
    defer _ = c.close(ends[0]);
    if (child < 0) return notStarted(arena);
    // In the parent as well, so that the group exists whichever of the two runs first.
    _ = c.setpgid(child, child);
    return watch(child, ends[0], buffer, milliseconds() + limit);
}

fn notStarted(arena: Allocator) Capture {
    files.failure() catch {};
    return .{ .output = "", .ending = .{ .not_started = files.cause(arena) } };
}

fn becomeProbe(path: [*:0]const u8, list: Strings, variables: Strings, ends: [2]c.fd_t) noreturn {
    _ = c.setpgid(0, 0);
    if (builtin.os.tag == .linux) {
        _ = c.prctl(@backingInt(std.os.linux.PR.SET_PDEATHSIG), @as(c_ulong, @backingInt(c.SIG.KILL)));
    }
    const nothing = c.open("/dev/null", .{ .ACCMODE = .RDWR }, @as(c_uint, 0));
    _ = c.dup2(nothing, 0);
    _ = c.dup2(ends[1], 1);
    _ = c.dup2(nothing, 2);
    for (ends) |end| _ = if (end > 2) c.close(end);
    _ = c.execve(path, list, variables);
    c._exit(127);
}

fn watch(child: c.pid_t, output: c.fd_t, buffer: []u8, deadline: u64) Capture {
    var filled: usize = 0;
    while (milliseconds() < deadline and filled < buffer.len) {
        var waiting = [1]c.pollfd{.{ .fd = output, .events = c.POLL.IN, .revents = 0 }};
        if (c.poll(&waiting, 1, @intCast(deadline -| milliseconds())) <= 0) continue;
        const got = c.read(output, buffer[filled..].ptr, buffer.len - filled);
        if (got <= 0) break;
        filled += @intCast(got);
    }
    if (filled < buffer.len) {
        if (waitFor(child, deadline)) |ending| return .{ .output = buffer[0..filled], .ending = ending };
    }
    _ = c.kill(-child, .KILL);
    _ = c.waitpid(child, null, 0);
    return .{ .output = "", .ending = if (filled < buffer.len) .too_slow else .too_much_output };
}

/// How a process that closed its output ended, or null if it does not end in time.
fn waitFor(child: c.pid_t, deadline: u64) ?Ending {
    var status: c_int = 0;
    while (c.waitpid(child, &status, c.W.NOHANG) != child) {
        if (milliseconds() >= deadline) return null;
        sleep(2);
    }
    const bits: u32 = @bitCast(status);
    if (c.W.IFEXITED(bits)) return .{ .status = c.W.EXITSTATUS(bits) };
    return .{ .signal = bits & 0x7f };
}

extern "c" fn setenv(name: [*:0]const u8, value: [*:0]const u8, overwrite: c_int) c_int;
extern "c" fn unsetenv(name: [*:0]const u8) c_int;
extern "c" fn strftime(buffer: [*]u8, size: usize, format: [*:0]const u8, time: *const anyopaque) usize;
extern "c" fn localtime_r(time: *const c.time_t, broken_down: *anyopaque) *anyopaque;
