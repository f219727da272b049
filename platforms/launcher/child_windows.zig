//! The processes that are started on Windows: in a job object that ends with us, whichever way we end.
const std = @import("std");
const command_line = @import("command_line.zig");
const files = @import("files_windows.zig");
const messages = @import("messages.zig");
const process = @import("process_windows.zig");
const w = @import("windows.zig");
const Allocator = std.mem.Allocator;

/// Runs another program in this one's place: waits for it and ends with its exit status. Returns only if it can't
/// be started.
pub fn replace(arena: Allocator, program: []const u8, arguments: []const []const u8) files.Error {
    const child = try start(arena, program, arguments, .{
        .input = try inherited(w.std_input, w.read_access),
        .output = try inherited(w.std_output, w.write_access),
        .err = try inherited(w.std_error, w.write_access),
    });
    _ = w.ResumeThread(child.thread);
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
    if (process.standard(which)) |handle| {
        _ = w.SetHandleInformation(handle, 1, 1);
        return handle;
    }
    return nothing(access);
}

fn nothing(access: u32) files.Error!w.Handle {
    var security: w.SecurityAttributes = .{};
    const handle = w.CreateFileW(std.unicode.wtf8ToWtf16LeStringLiteral("NUL"), access, w.share_all, &security, w.open_existing, 0, null);
    return if (handle == w.invalid) files.failure() else handle;
}

const Child = struct { process: w.Handle, thread: w.Handle };

const Streams = struct { input: w.Handle, output: w.Handle, err: w.Handle };

var has_entered_job = false;

/// Puts ourselves into a job, and so all that we start, from its first moment on: there is none in which only we could be
/// killed. Nobody else has the handle, and it is closed by our end alone.
fn enterJob() void {
    if (has_entered_job) return;
    has_entered_job = true;
    if (jobOf(w.GetCurrentProcess()) != null) return;
    messages.say("Python runs outside a job object (error {d}); it may outlive the launcher", .{w.GetLastError()});
}

/// A new job, which a process is put into. Before Windows 8 one that is in a job already can't be.
fn jobOf(member: w.Handle) ?w.Handle {
    const job = w.CreateJobObjectW(null, null) orelse return null;
    const limits: w.JobLimits = .{ .flags = w.JobLimits.kill_on_job_close };
    const size = @sizeOf(w.JobLimits);
    if (w.SetInformationJobObject(job, w.JobLimits.information_class, &limits, size) == 0) return null;
    if (w.AssignProcessToJobObject(job, member) == 0) return null;
    return job;
}

/// A process that waits to be resumed.
fn start(arena: Allocator, program: []const u8, arguments: []const []const u8, streams: Streams) files.Error!Child {
    enterJob();
    const path = std.unicode.wtf8ToWtf16LeAllocZ(arena, process.pathArgument(program)) catch return error.Failed;
    const line = try command_line.join(arena, program, arguments);
    var startup: w.StartupInfo = .{ .input = streams.input, .output = streams.output, .err = streams.err };
    var information: w.ProcessInformation = undefined;
    if (w.CreateProcessW(path, line, null, null, 1, w.create_suspended, null, null, &startup, &information) == 0) {
        return files.failure();
    }
    return .{ .process = information.process, .thread = information.thread };
}

/// What a short-lived process printed and how it ended.
pub const Capture = struct { output: []const u8, ending: Ending };
pub const Ending = union(enum) { status: u32, signal: u32, too_slow, too_much_output, not_started: []const u8 };

/// Runs a program to its end, or kills it and what it started when the time is over or the buffer full.
pub fn capture(
    arena: Allocator,
    program: []const u8,
    arguments: []const []const u8,
    buffer: []u8,
    limit: u32,
) !Capture {
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
    // Of its own, so that what it starts can be killed with it. Without, before Windows 8, it is killed with us.
    const job = jobOf(child.process);
    _ = w.ResumeThread(child.thread);
    defer {
        _ = w.TerminateProcess(child.process, 1);
        if (job) |handle| files.close(handle);
        files.close(child.thread);
        files.close(child.process);
    }
    return watch(child.process, reader, buffer, limit);
}

fn notStarted(arena: Allocator, err: files.Error) Capture {
    const why = if (err == error.OutOfMemory) "there is no memory" else files.cause(arena);
    return .{ .output = "", .ending = .{ .not_started = why } };
}

fn watch(child: w.Handle, output: w.Handle, buffer: []u8, limit: u32) Capture {
    const deadline = process.milliseconds() + limit;
    var filled: usize = 0;
    while (true) {
        const has_ended = w.WaitForSingleObject(child, 0) == w.wait_object_0;
        var available: u32 = 0;
        if (w.PeekNamedPipe(output, null, 0, null, &available, null) == 0) available = 0;
        if (available > buffer.len - filled) return .{ .output = "", .ending = .too_much_output };
        if (available > 0) {
            var got: u32 = 0;
            _ = w.ReadFile(output, buffer[filled..].ptr, available, &got, null);
            filled += got;
        } else if (has_ended) {
            var status: u32 = 0;
            _ = w.GetExitCodeProcess(child, &status);
            return .{ .output = buffer[0..filled], .ending = .{ .status = status } };
        } else if (process.milliseconds() > deadline) {
            return .{ .output = "", .ending = .too_slow };
        } else w.Sleep(5);
    }
}
