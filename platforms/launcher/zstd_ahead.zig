//! Blocks, of which the next ones are read in a second thread while one is carried out. Half of the work is in either;
//! where no thread can be had the one that asks does all.
const fast = @import("fast");
const threads = @import("system.zig").threads;

const Error = fast.Blocks.Error;
const Slot = struct { room: fast.Room, result: Error!fast.Block };

/// One thread wakes the other up for so many blocks: that takes as long as reading one.
const group = 8;
const groups = 3;

pub const Ahead = struct {
    source: fast.Blocks,
    slots: [groups * group]Slot,
    /// How many blocks were given out.
    given: usize,
    /// After it there are no more blocks.
    ending: ?Error,
    second: ?Second,

    /// What both threads know. Who waits for the other does so for the time that a block takes.
    const Second = struct {
        thread: threads.Thread,
        filled: threads.Counter,
        free: threads.Counter,
        is_over: bool,
    };

    pub fn init(ahead: *Ahead, source: []const u8, window: u32) void {
        ahead.source.init(source, window);
        ahead.given = 0;
        ahead.ending = null;
        ahead.second = null;
        var filled = threads.Counter.init(0) orelse return;
        var free = threads.Counter.init(groups) orelse return filled.deinit();
        ahead.second = .{ .thread = undefined, .filled = filled, .free = free, .is_over = false };
        const second = &ahead.second.?;
        if (threads.start(Ahead, readAhead, ahead)) |thread| {
            second.thread = thread;
            return;
        }
        filled.deinit();
        free.deinit();
        ahead.second = null;
    }

    /// Ends the second thread.
    pub fn deinit(ahead: *Ahead) void {
        const second = if (ahead.second) |*second| second else return;
        @atomicStore(bool, &second.is_over, true, .monotonic);
        second.free.up();
        threads.join(second.thread);
        second.filled.deinit();
        second.free.deinit();
        ahead.second = null;
    }

    /// The next block, which is there until the next call.
    pub fn next(ahead: *Ahead) Error!fast.Block {
        if (ahead.ending) |ending| return ending;
        const result = ahead.take();
        if (result) |_| {} else |err| ahead.ending = err;
        return result;
    }

    fn take(ahead: *Ahead) Error!fast.Block {
        const slot = &ahead.slots[ahead.given % ahead.slots.len];
        const second = if (ahead.second) |*second| second else return ahead.source.next(&slot.room);
        if (ahead.given % group == 0) {
            if (ahead.given > 0) second.free.up();
            second.filled.down();
        }
        ahead.given += 1;
        return slot.result;
    }

    fn readAhead(ahead: *Ahead) void {
        const second = &ahead.second.?;
        var index: usize = 0;
        while (true) {
            second.free.down();
            if (@atomicLoad(bool, &second.is_over, .monotonic)) return;
            defer second.filled.up();
            for (0..group) |_| {
                const slot = &ahead.slots[index % ahead.slots.len];
                slot.result = ahead.source.next(&slot.room);
                if (slot.result) |_| {} else |_| return;
                index += 1;
            }
        }
    }
};
