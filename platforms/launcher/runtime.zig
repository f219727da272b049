//! The embedded Python: unpacked once for all processes that need it, never seen half-made.
//!
//! However many launchers start at once and however they are killed, `pymw_runtime_<hash>` is either absent or
//! whole: it is made under another name by the one that holds the lock, and renamed when every byte is written. What a
//! power failure leaves of it is noticed by its marker.
const std = @import("std");
const boot = @import("boot.zig");
const hashed = @import("hashed.zig");
const marker = @import("marker.zig");
const messages = @import("messages.zig");
const Payload = @import("config.zig").Payload;
const Place = @import("places.zig").Place;
const retire = @import("retire.zig");
const system = @import("system.zig");
const tree = @import("tree.zig");
const unpack = @import("unpack.zig");
const use = @import("use.zig");
const files = system.files;
const process = system.process;
const Allocator = std.mem.Allocator;

/// What may pass (`Temporary`) and what will not (`Unusable`); messages.reason says which.
pub const Error = error{ Temporary, Unusable, OutOfMemory };

const lock_limit = 120 * 1000;
const largest_payload = 1 << 30;

arena: Allocator,
payload: Payload,
/// Where the payload lies.
own: []const u8,
places: []const Place,

const Runtime = @This();

pub const State = enum { absent, ready, doubtful, damaged };

/// The folder of the embedded Python, unpacked now if it must be, and from now on in use.
pub fn prepare(runtime: Runtime) Error![]const u8 {
    for (runtime.places) |place| {
        if (try runtime.look(place) != .ready) continue;
        const folder = try runtime.path(place, "");
        if (try use.begin(runtime.arena, folder)) return folder;
    }
    var failures: std.ArrayList([]const u8) = .empty;
    var bytes: ?[]const u8 = null;
    for (runtime.places) |place| {
        runtime.unpackInto(place, &bytes) catch |err| switch (err) {
            error.OutOfMemory, error.Unusable => |e| return e,
            error.Busy => return error.Temporary,
            error.NoPlace => {
                try failures.append(runtime.arena, messages.reason);
                continue;
            },
        };
        return runtime.path(place, "");
    }
    return messages.because(error.Temporary, "failed to unpack {s}: {s}; free some space or make a folder writable", .{
        runtime.payload.file,
        try std.mem.join(runtime.arena, ", and ", failures.items),
    });
}

/// Whether the runtime of a place can be used. Writes nothing.
pub fn look(runtime: Runtime, place: Place) !State {
    const folder = try runtime.path(place, "");
    if (!place.isTrusted(runtime.arena) or files.lookAtLink(runtime.arena, folder) == null) return .absent;
    return switch (try marker.look(runtime.arena, folder, runtime.payload.sha256)) {
        .damaged => .damaged,
        .doubtful => .doubtful,
        .whole => if (try use.isDoubted(runtime.arena, folder)) .doubtful else .ready,
    };
}

/// `<place>/pymw_runtime_<16 digits><suffix>`
pub fn path(runtime: Runtime, place: Place, suffix: []const u8) ![]const u8 {
    const digits = std.fmt.bytesToHex(runtime.payload.sha256, .lower);
    return tree.below(runtime.arena, place.folder, try std.mem.concat(
        runtime.arena,
        u8,
        &.{ retire.prefix, digits[0..retire.digits], suffix },
    ));
}

const PlaceError = error{ NoPlace, Busy, Unusable, OutOfMemory };

/// First look, lock, second look, act. In the end the runtime is in use.
fn unpackInto(runtime: Runtime, place: Place, bytes: *?[]const u8) PlaceError!void {
    place.prepare(runtime.arena) catch |err| return runtime.noPlace(place, err);
    const lock = try runtime.takeLock(place);
    defer files.close(lock);
    const folder = try runtime.path(place, "");
    const is_ready = switch (try runtime.look(place)) {
        .ready => true,
        .doubtful => try runtime.verify(folder),
        .absent, .damaged => false,
    };
    // Nobody can remove it while we have the lock.
    if (!is_ready) try runtime.unpackAnew(place, bytes);
    _ = try use.begin(runtime.arena, folder);
}

/// Reads all of a runtime; if it is whole there is no doubt any more.
pub fn verify(runtime: Runtime, folder: []const u8) !bool {
    const began = process.milliseconds();
    if (!try marker.verify(runtime.arena, folder, runtime.payload.sha256)) return false;
    files.removeFile(runtime.arena, try use.doubtFile(runtime.arena, folder)) catch {};
    messages.say("verified the runtime {s} within {d} ms", .{ folder, process.milliseconds() - began });
    return true;
}

/// Lets no start use a runtime as it is.
pub fn condemn(runtime: Runtime, folder: []const u8) !void {
    messages.say("the runtime {s} is damaged", .{folder});
    try marker.remove(runtime.arena, folder);
}

fn unpackAnew(runtime: Runtime, place: Place, bytes: *?[]const u8) PlaceError!void {
    const began = process.milliseconds();
    if (bytes.* == null) bytes.* = try runtime.readPayload();
    runtime.makeRoom(place) catch |err| return runtime.noPlace(place, err);
    const work = try runtime.temporaryName(place);
    runtime.make(place, work, bytes.*.?) catch |err| {
        const explained = switch (err) {
            error.Malformed => messages.because(
                error.Unusable,
                "failed to unpack {s}: {s}; package the application again",
                .{ runtime.payload.file, unpack.detail },
            ),
            else => |other| runtime.noPlace(place, other),
        };
        // What can't be removed now is swept by the next holder of the lock.
        tree.remove(runtime.arena, work) catch {};
        return explained;
    };
    messages.say("unpacked {s} in {s} within {d} ms", .{
        runtime.payload.file,
        place.folder,
        process.milliseconds() - began,
    });
}

fn takeLock(runtime: Runtime, place: Place) PlaceError!files.Handle {
    const name = try runtime.path(place, ".lock");
    const handle = files.openToLock(runtime.arena, name) catch |err| return runtime.noPlace(place, err);
    errdefer files.close(handle);
    const deadline = process.milliseconds() + lock_limit;
    while (!(files.tryLock(handle) catch |err| return runtime.noPlace(place, err))) {
        if (process.milliseconds() > deadline) return messages.because(
            error.Busy,
            "failed to lock {s}: another process has held it for {d} s; it is tried again later",
            .{ name, lock_limit / 1000 },
        );
        process.sleep(20);
    }
    return handle;
}

/// The whole payload, compared with its hash before the first byte of it is looked at.
fn readPayload(runtime: Runtime) PlaceError![]const u8 {
    const name = try tree.below(runtime.arena, runtime.own, runtime.payload.file);
    const found = hashed.read(runtime.arena, name, largest_payload) catch |err| switch (err) {
        error.OutOfMemory => |e| return e,
        else => return messages.because(
            error.Unusable,
            "failed to read the payload {s}: {s}; reset the project, so that the client downloads it again",
            .{ name, files.cause(runtime.arena) },
        ),
    };
    if (std.mem.eql(u8, &found.sha256, &runtime.payload.sha256)) return found.bytes;
    return messages.because(
        error.Unusable,
        "failed to use the payload {s}: it is damaged ({d} bytes with the SHA-256 {s}); " ++
            "reset the project, so that the client downloads it again",
        .{ name, found.bytes.len, std.fmt.bytesToHex(found.sha256, .lower) },
    );
}

/// Sweeps what killed launchers left, sets a damaged runtime aside, and sees whether the new one fits.
fn makeRoom(runtime: Runtime, place: Place) !void {
    const arena = runtime.arena;
    const runtime_folder = try runtime.path(place, "");
    const prefix = try std.mem.concat(arena, u8, &.{ std.fs.path.basename(runtime_folder), "." });
    for (try files.list(arena, place.folder)) |name| {
        if (!std.mem.startsWith(u8, name, prefix) or !std.mem.endsWith(u8, name, ".tmp")) continue;
        tree.remove(arena, try tree.below(arena, place.folder, name)) catch {};
    }
    if (files.lookAtLink(arena, runtime_folder) != null) {
        const aside = try runtime.temporaryName(place);
        try files.rename(arena, runtime_folder, aside);
        messages.say("the runtime {s} is damaged; it is unpacked again", .{runtime_folder});
        tree.remove(arena, aside) catch {};
    }
    // Blocks, folders and the marker: an eighth more than the bytes of the files.
    const needed = runtime.payload.size + runtime.payload.size / 8;
    if (hasSpace(arena, place, needed)) return;
    // Better to unpack one of these again, some day, than not to run at all.
    try retire.sweep(arena, place, 0);
    if (!hasSpace(arena, place, needed)) return error.TooSmall;
}

fn hasSpace(arena: Allocator, place: Place, needed: u64) bool {
    return (files.freeSpace(arena, place.folder) orelse return true) >= needed;
}

fn make(runtime: Runtime, place: Place, work: []const u8, bytes: []const u8) !void {
    const arena = runtime.arena;
    try files.makeFolder(arena, work, false);
    const durably = try boot.name(arena) == null;
    const entries = try unpack.into(arena, work, bytes, durably);
    if (!names(entries, runtime.payload.python)) {
        unpack.detail = messages.text("it has no {s}", .{runtime.payload.python});
        return error.Malformed;
    }
    if (durably) try files.syncTree(arena, work);
    marker.write(arena, work, runtime.payload.sha256, entries) catch |err| switch (err) {
        error.WriteFailed => return error.OutOfMemory,
        else => |other| return other,
    };
    if (durably) try files.syncFolder(arena, work);
    try files.rename(arena, work, try runtime.path(place, ""));
    if (durably) try files.syncFolder(arena, place.folder);
}

fn names(entries: []const marker.Entry, wanted: []const u8) bool {
    for (entries) |entry| if (std.mem.eql(u8, entry.name, wanted)) return true;
    return false;
}

fn temporaryName(runtime: Runtime, place: Place) ![]const u8 {
    return runtime.path(place, try std.fmt.allocPrint(
        runtime.arena,
        ".{d}-{x}.tmp",
        .{ process.id(), process.uniqueNumber() },
    ));
}

/// The reason why a place is no good, as part of a sentence.
fn noPlace(runtime: Runtime, place: Place, err: anyerror) error{ NoPlace, OutOfMemory } {
    return switch (err) {
        error.OutOfMemory => error.OutOfMemory,
        error.Untrusted => messages.because(error.NoPlace, "{s} belongs to another user", .{place.folder}),
        error.TooSmall => messages.because(
            error.NoPlace,
            "{s} has less than {d} MB free",
            .{ place.folder, (runtime.payload.size + runtime.payload.size / 8) / 1_000_000 + 1 },
        ),
        else => messages.because(error.NoPlace, "{s}: {s}", .{ place.folder, files.cause(runtime.arena) }),
    };
}
