//! Files and folders through libc: musl, which falls back to old system calls on old kernels, or macOS's own.
const builtin = @import("builtin");
const std = @import("std");
const c = std.c;
const Allocator = std.mem.Allocator;

pub const Handle = c.fd_t;
pub const separator = '/';
pub const Error = error{ NotFound, Exists, NoSpace, Denied, InUse, Untrusted, TooLarge, Failed, OutOfMemory };

pub const Facts = struct {
    kind: enum { file, folder, other },
    size: u64,
    /// Nanoseconds since 1970.
    modified: i64,
    /// Equal for two paths of one file.
    identity: [2]u64,
    owner: u32,
    mode: u32,

    pub fn isExecutable(facts: Facts) bool {
        return facts.kind == .file and facts.mode & 0o111 != 0;
    }

    /// Seconds since 1970.
    pub fn changedAt(facts: Facts) i64 {
        return @divFloor(facts.modified, std.time.ns_per_s);
    }
};

var last: c_int = 0;

/// The cause of the last error, for a message.
pub fn cause(arena: Allocator) []const u8 {
    _ = arena;
    return std.mem.span(strerror(last));
}

/// Keeps the number of the last error for `cause` and says what kind it is.
pub fn failure() Error {
    last = c._errno().*;
    return switch (@as(c.E, @fromBackingInt(@intCast(last)))) {
        .NOENT, .NOTDIR => error.NotFound,
        .EXIST, .NOTEMPTY => error.Exists,
        .NOSPC, .DQUOT, .FBIG => error.NoSpace,
        .ACCES, .PERM, .ROFS => error.Denied,
        .BUSY, .TXTBSY, .AGAIN => error.InUse,
        else => error.Failed,
    };
}

/// Facts about a file or folder, of what a link points to, or null if there is none.
pub fn look(arena: Allocator, path: []const u8) ?Facts {
    return lookAt(arena, path, 0);
}

/// As `look`, but a link is a link (kind `other`).
pub fn lookAtLink(arena: Allocator, path: []const u8) ?Facts {
    return lookAt(arena, path, c.AT.SYMLINK_NOFOLLOW);
}

fn lookAt(arena: Allocator, path: []const u8, flags: u32) ?Facts {
    return factsOf(c.AT.FDCWD, arena.dupeSentinel(u8, path, 0) catch return null, flags);
}

fn factsOf(folder: c.fd_t, name: [*:0]const u8, flags: u32) ?Facts {
    if (builtin.os.tag == .linux) {
        var found: std.os.linux.Statx = undefined;
        if (c.statx(folder, name, flags, std.os.linux.STATX.BASIC_STATS, &found) != 0) return null;
        return .{
            .kind = kindOf(found.mode),
            .size = found.size,
            .modified = found.mtime.sec * std.time.ns_per_s + found.mtime.nsec,
            .identity = .{ @as(u64, found.dev_major) << 32 | found.dev_minor, found.ino },
            .owner = found.uid,
            .mode = found.mode,
        };
    }
    var found: c.Stat = undefined;
    if (c.fstatat(folder, name, &found, flags) != 0) return null;
    const modified = found.mtime();
    return .{
        .kind = kindOf(found.mode),
        .size = @intCast(found.size),
        .modified = @as(i64, modified.sec) * std.time.ns_per_s + modified.nsec,
        .identity = .{ @as(u32, @bitCast(found.dev)), found.ino },
        .owner = found.uid,
        .mode = found.mode,
    };
}

fn kindOf(mode: u32) @FieldType(Facts, "kind") {
    return switch (mode & c.S.IFMT) {
        c.S.IFREG => .file,
        c.S.IFDIR => .folder,
        else => .other,
    };
}

pub fn openToRead(arena: Allocator, path: []const u8) Error!Handle {
    return open(arena, path, .{ .ACCMODE = .RDONLY, .CLOEXEC = true }, 0);
}

/// A new file; it is an error if there is one already.
pub fn create(arena: Allocator, path: []const u8, executable: bool) Error!Handle {
    const flags: c.O = .{ .ACCMODE = .WRONLY, .CREAT = true, .EXCL = true, .CLOEXEC = true };
    return open(arena, path, flags, if (executable) 0o755 else 0o644);
}

/// The file to hold a lock on, made if there is none.
pub fn openToLock(arena: Allocator, path: []const u8) Error!Handle {
    return open(arena, path, .{ .ACCMODE = .RDWR, .CREAT = true, .CLOEXEC = true, .NOFOLLOW = true }, 0o644);
}

fn open(arena: Allocator, path: []const u8, flags: c.O, mode: c_uint) Error!Handle {
    const handle = c.open(try arena.dupeSentinel(u8, path, 0), flags, mode);
    return if (handle < 0) failure() else handle;
}

pub fn close(handle: Handle) void {
    _ = c.close(handle);
}

/// Reads until the buffer is full or the file ends.
pub fn read(handle: Handle, buffer: []u8) Error!usize {
    var filled: usize = 0;
    while (filled < buffer.len) {
        const got = c.read(handle, buffer[filled..].ptr, buffer.len - filled);
        if (got < 0 and c._errno().* == @backingInt(c.E.INTR)) continue;
        if (got < 0) return failure();
        if (got == 0) break;
        filled += @intCast(got);
    }
    return filled;
}

pub fn write(handle: Handle, bytes: []const u8) Error!void {
    var rest = bytes;
    while (rest.len > 0) {
        const put = c.write(handle, rest.ptr, rest.len);
        if (put < 0 and c._errno().* == @backingInt(c.E.INTR)) continue;
        if (put < 0) return failure();
        rest = rest[@intCast(put)..];
    }
}

/// Closes a file that was written. Some file systems (NFS) say only here that the disk is full.
pub fn finish(handle: Handle) Error!void {
    if (c.close(handle) != 0 and c._errno().* != @backingInt(c.E.INTR)) return failure();
}

/// Returns when what was written is on the disk.
pub fn sync(handle: Handle) Error!void {
    if (c.fsync(handle) != 0) return failure();
}

/// Whether `syncTree` does it for all files at once. Linux can; a sync for each of a thousand files takes seconds.
pub const syncs_trees = builtin.os.tag == .linux;

/// Returns when all that was written below a folder is on the disk, if `syncs_trees`.
pub fn syncTree(arena: Allocator, path: []const u8) Error!void {
    if (!syncs_trees) return;
    const handle = try openToRead(arena, path);
    defer close(handle);
    if (c.syncfs(handle) != 0) return failure();
}

/// The same for the entries of a folder.
pub fn syncFolder(arena: Allocator, path: []const u8) Error!void {
    const handle = try openToRead(arena, path);
    defer close(handle);
    // Some file systems cannot sync a folder; they say EINVAL, and there is nothing more to do.
    if (c.fsync(handle) != 0 and c._errno().* != @backingInt(c.E.INVAL)) return failure();
}

pub fn makeFolder(arena: Allocator, path: []const u8, private: bool) Error!void {
    if (c.mkdir(try arena.dupeSentinel(u8, path, 0), if (private) 0o700 else 0o755) != 0) return failure();
}

/// Renames a file over another, or a folder to a name that is free.
pub fn rename(arena: Allocator, from: []const u8, to: []const u8) Error!void {
    if (c.rename(try arena.dupeSentinel(u8, from, 0), try arena.dupeSentinel(u8, to, 0)) != 0) return failure();
}

pub fn removeFile(arena: Allocator, path: []const u8) Error!void {
    if (c.unlink(try arena.dupeSentinel(u8, path, 0)) != 0) return failure();
}

pub fn removeFolder(arena: Allocator, path: []const u8) Error!void {
    if (c.rmdir(try arena.dupeSentinel(u8, path, 0)) != 0) return failure();
}

/// The names in a folder, in no order.
pub fn list(arena: Allocator, path: []const u8) Error![]const []const u8 {
    const folder = c.opendir(try arena.dupeSentinel(u8, path, 0)) orelse return failure();
    defer _ = c.closedir(folder);
    var names: std.ArrayList([]const u8) = .empty;
    while (c.readdir(folder)) |entry| {
        const name = std.mem.sliceTo(@as([*:0]const u8, @ptrCast(&entry.name)), 0);
        if (std.mem.eql(u8, name, ".") or std.mem.eql(u8, name, "..")) continue;
        try names.append(arena, try arena.dupe(u8, name));
    }
    return names.items;
}

/// Takes the lock if it is free. It is the operating system's, so it dies with its holder.
pub fn tryLock(handle: Handle) Error!bool {
    if (c.flock(handle, c.LOCK.EX | c.LOCK.NB) == 0) return true;
    return switch (failure()) {
        error.InUse => false,
        else => |other| other,
    };
}

/// Opens a folder and holds it as long as the handle is open: together with others, or alone. Held together with
/// others it stays open when this process becomes another. `InUse` if that can't be at the moment, or if it is
/// another folder by now.
pub fn holdFolder(arena: Allocator, path: []const u8, how: enum { shared, alone }) Error!Handle {
    const handle = try open(arena, path, .{
        .ACCMODE = .RDONLY,
        .CLOEXEC = how == .alone,
        .NOFOLLOW = true,
        .DIRECTORY = true,
    }, 0);
    errdefer close(handle);
    if (c.flock(handle, c.LOCK.NB | @as(c_int, if (how == .alone) c.LOCK.EX else c.LOCK.SH)) != 0) return failure();
    const held = factsOf(handle, ".", 0) orelse return failure();
    const there = lookAtLink(arena, path) orelse return error.NotFound;
    return if (std.mem.eql(u64, &held.identity, &there.identity)) handle else error.InUse;
}

/// Gives a folder the time of now, if we may.
pub fn touch(handle: Handle) void {
    _ = c.futimens(handle, null);
}

/// Bytes that this user may still write to the file system of a folder, or null if that can't be told.
pub fn freeSpace(arena: Allocator, folder: []const u8) ?u64 {
    const name = arena.dupeSentinel(u8, folder, 0) catch return null;
    var found: Statvfs = undefined;
    if (statvfs(name, &found) != 0) return null;
    return @as(u64, found.frsize) * found.bavail;
}

/// The path without links and `..`, or null if there is no such file.
pub fn realPath(arena: Allocator, path: []const u8) ?[]const u8 {
    const name = arena.dupeSentinel(u8, path, 0) catch return null;
    var buffer: [std.fs.max_path_bytes]u8 = undefined;
    const resolved = c.realpath(name, &buffer) orelse return null;
    return arena.dupe(u8, std.mem.span(resolved)) catch null;
}

/// Neither musl nor macOS differs from this in what comes first; std has no declaration of it.
const Statvfs = extern struct {
    bsize: c_ulong,
    frsize: c_ulong,
    blocks: BlockCount,
    bfree: BlockCount,
    bavail: BlockCount,
    rest: [128]u8,

    const BlockCount = if (builtin.os.tag == .macos) c_uint else u64;
};

extern "c" fn statvfs(path: [*:0]const u8, found: *Statvfs) c_int;
extern "c" fn strerror(number: c_int) [*:0]const u8;
