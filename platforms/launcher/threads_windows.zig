//! A second thread, on Windows.
const w = @import("windows.zig");

pub const Thread = w.Handle;

/// A number that one thread counts up and another counts down, waiting as long as it is zero.
pub const Counter = struct {
    semaphore: w.Handle,

    pub fn init(value: usize) ?Counter {
        return .{ .semaphore = w.CreateSemaphoreW(null, @intCast(value), 0x7fff_ffff, null) orelse return null };
    }

    pub fn deinit(counter: *Counter) void {
        _ = w.CloseHandle(counter.semaphore);
    }

    pub fn up(counter: *Counter) void {
        _ = w.ReleaseSemaphore(counter.semaphore, 1, null);
    }

    pub fn down(counter: *Counter) void {
        _ = w.WaitForSingleObject(counter.semaphore, w.infinite);
    }
};

/// Runs `function` in a thread; null if there can be none.
pub fn start(comptime Context: type, comptime function: fn (*Context) void, context: *Context) ?Thread {
    const main = struct {
        // Windows promises no more than 4 bytes on x86.
        fn run(given: ?*anyopaque) callconv(.withStackAlign(.winapi, 1)) u32 {
            function(@ptrCast(@alignCast(given.?)));
            return 0;
        }
    }.run;
    return w.CreateThread(null, 0, main, context, 0, null);
}

/// Waits for its end.
pub fn join(thread: Thread) void {
    _ = w.WaitForSingleObject(thread, w.infinite);
    _ = w.CloseHandle(thread);
}
