//! This process and the ones it starts, on Windows.
const std = @import("std");
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
fn openErrors() void {
    // SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX: nobody sits before a window that asks something.
    _ = w.SetErrorMode(0x1 | 0x2);
    if (usable(w.GetStdHandle(w.std_error)) != null) return;
    const init_data = w.CreateFileW(literal("init_data.xml"), 0, w.share_all, null, w.open_existing, 0, null);
    if (init_data == w.invalid) return;
    _ = w.CloseHandle(init_data);
    var security: w.SecurityAttributes = .{};
    const handle = w.CreateFileW(literal("stderr.txt"), w.append_access, w.share_all, &security, w.open_always, w.attribute_normal, null);
    if (handle != w.invalid) _ = w.SetStdHandle(w.std_error, handle);
}

const literal = std.unicode.wtf8ToWtf16LeStringLiteral;

fn usable(handle: ?w.Handle) ?w.Handle {
    const found = handle orelse return null;
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
    const since_1601 = @as(u64, time.high) << 32 | time.low;
    return @as(i64, @intCast(since_1601 / 10_000_000)) - 11_644_473_600;
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
    const length = w.GetModuleFileNameW(null, buffer.ptr, buffer.len);
    if (length == 0 or length >= buffer.len) return null;
    return std.unicode.wtf16LeToWtf8Alloc(arena, buffer[0..length]) catch null;
}

pub fn writeError(bytes: []const u8) void {
    files.write(usable(w.GetStdHandle(w.std_error)) orelse return, bytes) catch {};
}

pub fn writeOutput(bytes: []const u8) void {
    files.write(usable(w.GetStdHandle(w.std_output)) orelse return, bytes) catch {};
}

/// A path as another program is given it: old Pythons know `\\?\` badly, so only one that needs it has it.
pub fn pathArgument(path: []const u8) []const u8 {
    if (path.len < 240 or std.mem.startsWith(u8, path, "\\\\")) return path;
    return messages.text("\\\\?\\{s}", .{path});
}

/// Runs another program in this one's place: waits for it and ends with its exit status. Returns only if it can't
/// be started.
pub fn replace(arena: Allocator, program: []const u8, arguments: []const []const u8) files.Error {
    const child = try start(arena, program, arguments, .{
        .input = try inherited(w.std_input, w.read_access),
        .output = try inherited(w.std_output, w.write_access),
        .err = try inherited(w.std_error, w.write_access),
    });
    // Ctrl-C goes to the child as well; what comes of it is the child's business.
    _ = w.SetConsoleCtrlHandler(&ignoreInterrupt, 1);
    _ = w.WaitForSingleObject(child.process, w.infinite);
    var status: u32 = 0;
    if (w.GetExitCodeProcess(child.process, &status) == 0) return files.failure();
    w.ExitProcess(status);
}

fn ignoreInterrupt(event: u32) callconv(.winapi) w.Bool {
    return if (event <= 1) 1 else 0;
}

/// One of our standard handles so that a child gets it, or nothing at all (NUL) if we have none.
fn inherited(which: u32, access: u32) files.Error!w.Handle {
    if (usable(w.GetStdHandle(which))) |handle| {
        _ = w.SetHandleInformation(handle, 1, 1);
        return handle;
    }
    return nothing(access);
}

fn nothing(access: u32) files.Error!w.Handle {
    var security: w.SecurityAttributes = .{};
    const handle = w.CreateFileW(literal("NUL"), access, w.share_all, &security, w.open_existing, 0, null);
    return if (handle == w.invalid) files.failure() else handle;
}

/// A process in a job object that ends with the launcher, whichever way that ends.
const Child = struct { process: w.Handle, job: ?w.Handle };

const Streams = struct { input: w.Handle, output: w.Handle, err: w.Handle };

fn start(arena: Allocator, program: []const u8, arguments: []const []const u8, streams: Streams) files.Error!Child {
    const path = std.unicode.wtf8ToWtf16LeAllocZ(arena, pathArgument(program)) catch return error.Failed;
    const line = try command_line.join(arena, program, arguments);
    var startup: w.StartupInfo = .{ .input = streams.input, .output = streams.output, .err = streams.err };
    var information: w.ProcessInformation = undefined;
    if (w.CreateProcessW(path, line, null, null, 1, w.create_suspended, null, null, &startup, &information) == 0) {
        return files.failure();
    }
    const job = putIntoJob(information.process);
    _ = w.ResumeThread(information.thread);
    _ = w.CloseHandle(information.thread);
    return .{ .process = information.process, .job = job };
}

/// Before Windows 8 a process that is in a job already can't be put into another; it runs all the same.
fn putIntoJob(process: w.Handle) ?w.Handle {
    const job = w.CreateJobObjectW(null, null) orelse return noJob();
    const limits: w.JobLimits = .{ .flags = w.JobLimits.kill_on_job_close };
    if (w.SetInformationJobObject(job, w.JobLimits.information_class, &limits, @sizeOf(w.JobLimits)) == 0) return noJob();
    if (w.AssignProcessToJobObject(job, process) == 0) return noJob();
    return job;
}

fn noJob() ?w.Handle {
    messages.say("Python runs outside a job object (error {d}); it may outlive the launcher", .{w.GetLastError()});
    return null;
}

/// What a short-lived process printed and how it ended.
pub const Capture = struct { output: []const u8, ending: Ending };
pub const Ending = union(enum) { status: u32, signal: u32, too_slow, too_much_output, not_started: []const u8 };

/// Runs a program to its end, or kills it and what it started when the time is over or the buffer full.
pub fn capture(arena: Allocator, program: []const u8, arguments: []const []const u8, buffer: []u8, limit: u32) !Capture {
    var reader: w.Handle = undefined;
    var writer: w.Handle = undefined;
    var security: w.SecurityAttributes = .{};
    if (w.CreatePipe(&reader, &writer, &security, 0) == 0) return notStarted(arena, files.failure());
    defer files.close(reader);
    _ = w.SetHandleInformation(reader, 1, 0);
    const null_device = nothing(w.read_access | w.write_access) catch |err| return notStarted(arena, err);
    defer files.close(null_device);
    const started = start(arena, program, arguments, .{ .input = null_device, .output = writer, .err = null_device });
    files.close(writer);
    const child = started catch |err| return notStarted(arena, err);
    defer {
        _ = w.TerminateProcess(child.process, 1);
        if (child.job) |job| files.close(job);
        files.close(child.process);
    }
    return watch(child.process, reader, buffer, limit);
}

fn notStarted(arena: Allocator, err: files.Error) Capture {
    const why = if (err == error.OutOfMemory) "there is no memory" else files.cause(arena);
    return .{ .output = "", .ending = .{ .not_started = why } };
}

fn watch(process: w.Handle, output: w.Handle, buffer: []u8, limit: u32) Capture {
    const deadline = milliseconds() + limit;
    var filled: usize = 0;
    while (true) {
        const has_ended = w.WaitForSingleObject(process, 0) == w.wait_object_0;
        var available: u32 = 0;
        if (w.PeekNamedPipe(output, null, 0, null, &available, null) == 0) available = 0;
        if (available > buffer.len - filled) return .{ .output = "", .ending = .too_much_output };
        if (available > 0) {
            var got: u32 = 0;
            _ = w.ReadFile(output, buffer[filled..].ptr, available, &got, null);
            filled += got;
        } else if (has_ended) {
            var status: u32 = 0;
            _ = w.GetExitCodeProcess(process, &status);
            return .{ .output = buffer[0..filled], .ending = .{ .status = status } };
        } else if (milliseconds() > deadline) {
            return .{ .output = "", .ending = .too_slow };
        } else w.Sleep(5);
    }
}
