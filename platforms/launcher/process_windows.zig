//! This process, on Windows.
const std = @import("std");
const child = @import("child_windows.zig");
const command_line = @import("command_line.zig");
const files = @import("files_windows.zig");
const messages = @import("messages.zig");
const w = @import("windows.zig");
const Allocator = std.mem.Allocator;

pub const entry_name = "wWinMainCRTStartup";

/// The entry point of a program: hands it its arguments, without its own name.
pub fn Entry(comptime program: fn (arena: Allocator, arguments: []const []const u8) noreturn) type {
    return struct {
        // Windows promises no more than 4 bytes on x86.
        pub fn main() callconv(.withStackAlign(.c, 1)) noreturn {
            var arena: std.heap.ArenaAllocator = .init(std.heap.page_allocator);
            openErrors();
            const given = command_line.split(arena.allocator(), std.mem.span(w.GetCommandLineW())) catch exit(1);
            program(arena.allocator(), given[@min(1, given.len)..]);
        }
    };
}

/// The client gives an application no handles: what it says belongs into stderr.txt of the slot folder.
/// A console, that too: Windows makes one without a window for a program that is started without handles.
fn openErrors() void {
    // SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX: nobody sits before a window that asks something.
    _ = w.SetErrorMode(0x1 | 0x2);
    if (standard(w.std_error)) |handle| if (w.GetFileType(handle) != w.file_type_char) return;
    const init_data = w.CreateFileW(literal("init_data.xml"), 0, w.share_all, null, w.open_existing, 0, null);
    if (init_data == w.invalid) return;
    _ = w.CloseHandle(init_data);
    var security: w.SecurityAttributes = .{};
    const name = literal("stderr.txt");
    const handle = w.CreateFileW(name, w.append_access, w.share_all, &security, w.open_always, 0, null);
    if (handle != w.invalid) _ = w.SetStdHandle(w.std_error, handle);
}

const literal = std.unicode.wtf8ToWtf16LeStringLiteral;

/// A standard handle, if there is something behind it.
pub fn standard(which: u32) ?w.Handle {
    const found = w.GetStdHandle(which) orelse return null;
    return if (found == w.invalid or w.GetFileType(found) == 0) null else found;
}

/// `os.name` of a Python made for this system.
pub const os_name = "nt";

pub fn exit(status: u32) noreturn {
    w.ExitProcess(status);
}

pub fn id() u32 {
    return w.GetCurrentProcessId();
}

pub fn userId() u32 {
    return 0;
}

/// Seconds since 1970.
pub fn now() i64 {
    var time: w.Time = undefined;
    w.GetSystemTimeAsFileTime(&time);
    return w.Time.secondsSince1970(@as(u64, time.high) << 32 | time.low);
}

/// From a clock that never jumps.
pub fn milliseconds() u64 {
    var frequency: u64 = 1;
    _ = w.QueryPerformanceFrequency(&frequency);
    return uniqueNumber() / @max(1, frequency / 1000);
}

/// A number that no other process started at the same moment has.
pub fn uniqueNumber() u64 {
    var count: u64 = 0;
    _ = w.QueryPerformanceCounter(&count);
    return count;
}

/// `YYYY-mm-dd HH:MM:SS`, local time, as every BOINC application begins its messages.
pub fn timestamp(buffer: *[32]u8) []const u8 {
    var time: w.SystemTime = undefined;
    w.GetLocalTime(&time);
    return std.fmt.bufPrint(buffer, "{d:0>4}-{d:0>2}-{d:0>2} {d:0>2}:{d:0>2}:{d:0>2}", .{
        time.year, time.month, time.day, time.hour, time.minute, time.second,
    }) catch "";
}

pub fn sleep(duration: u32) void {
    w.Sleep(duration);
}

pub fn environment(arena: Allocator, name: []const u8) ?[]const u8 {
    const wide_name = std.unicode.wtf8ToWtf16LeAllocZ(arena, name) catch return null;
    const needed = w.GetEnvironmentVariableW(wide_name, null, 0);
    if (needed == 0) return null;
    const buffer = arena.alloc(u16, needed) catch return null;
    const length = w.GetEnvironmentVariableW(wide_name, buffer.ptr, needed);
    if (length >= needed) return null;
    return std.unicode.wtf16LeToWtf8Alloc(arena, buffer[0..length]) catch null;
}

/// Absolute path of the running program.
pub fn ownPath(arena: Allocator) ?[]const u8 {
    const buffer = arena.alloc(u16, 32768) catch return null;
    const length = w.GetModuleFileNameW(null, buffer.ptr, @intCast(buffer.len));
    if (length == 0 or length >= buffer.len) return null;
    return std.unicode.wtf16LeToWtf8Alloc(arena, buffer[0..length]) catch null;
}

pub fn writeError(bytes: []const u8) void {
    files.write(standard(w.std_error) orelse return, bytes) catch {};
}

pub fn writeOutput(bytes: []const u8) void {
    files.write(standard(w.std_output) orelse return, bytes) catch {};
}

/// A path as another program is given it: old Pythons know `\\?\` badly, so only one that needs it has it.
pub fn pathArgument(path: []const u8) []const u8 {
    if (path.len < 240 or std.mem.startsWith(u8, path, "\\\\")) return path;
    return messages.text("\\\\?\\{s}", .{path});
}

/// There are no forks.
pub fn prepareToFork(_: Allocator) error{OutOfMemory}!bool {
    return false;
}

pub const replace = child.replace;
pub const capture = child.capture;
