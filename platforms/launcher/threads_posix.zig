//! A second thread, through libc.
const c = @import("std").c;

pub const Thread = c.pthread_t;

/// A number that one thread counts up and another counts down, waiting as long as it is zero.
pub const Counter = struct {
    value: usize,
    mutex: c.pthread_mutex_t = .{},
    changed: c.pthread_cond_t = .{},

    pub fn init(value: usize) ?Counter {
        return .{ .value = value };
    }

    pub fn deinit(_: *Counter) void {}

    pub fn up(counter: *Counter) void {
        _ = c.pthread_mutex_lock(&counter.mutex);
        counter.value += 1;
        _ = c.pthread_cond_signal(&counter.changed);
        _ = c.pthread_mutex_unlock(&counter.mutex);
    }

    pub fn down(counter: *Counter) void {
        _ = c.pthread_mutex_lock(&counter.mutex);
        while (counter.value == 0) _ = c.pthread_cond_wait(&counter.changed, &counter.mutex);
        counter.value -= 1;
        _ = c.pthread_mutex_unlock(&counter.mutex);
    }
};

/// Runs `function` in a thread; null if there can be none.
pub fn start(comptime Context: type, comptime function: fn (*Context) void, context: *Context) ?Thread {
    const main = struct {
        fn run(given: ?*anyopaque) callconv(.c) ?*anyopaque {
            function(@ptrCast(@alignCast(given.?)));
            return null;
        }
    }.run;
    var thread: Thread = undefined;
    return if (c.pthread_create(&thread, null, main, context) == .SUCCESS) thread else null;
}

/// Waits for its end.
pub fn join(thread: Thread) void {
    _ = c.pthread_join(thread, null);
}
