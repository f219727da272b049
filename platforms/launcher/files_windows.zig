//! Files and folders on Windows. Paths are WTF-8 here and UTF-16 there; all go in the `\\?\` form, which has no
//! limit of 260 characters.
const std = @import("std");
const w = @import("windows.zig");
const Allocator = std.mem.Allocator;

pub const Handle = w.Handle;
pub const separator = '\\';
pub const Error = error{ NotFound, Exists, NoSpace, Denied, InUse, Untrusted, TooLarge, Failed, OutOfMemory };

pub const Facts = struct {
    kind: enum { file, folder, other },
    size: u64,
    /// In units of 100 ns since 1601.
    modified: i64,
    /// Equal for two paths of one file.
    identity: [2]u64,
    /// Rights are not in numbers here.
    owner: u32 = 0,
    mode: u32 = 0,

    pub fn isExecutable(facts: Facts) bool {
        return facts.kind != .folder;
    }

    /// Seconds since 1970.
    pub fn changedAt(facts: Facts) i64 {
        return w.Time.secondsSince1970(@bitCast(facts.modified));
    }
};

var last: u32 = 0;

/// The cause of the last error, for a message.
pub fn cause(arena: Allocator) []const u8 {
    var text: [512]u16 = undefined;
    // FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK
    const length = w.FormatMessageW(0x1000 | 0x200 | 0xff, null, last, 0, &text, text.len, null);
    const words = std.unicode.wtf16LeToWtf8Alloc(arena, text[0..length]) catch "";
    const sentence = std.mem.trimEnd(u8, words, ". \r\n");
    return std.fmt.allocPrint(arena, "{s} (error {d})", .{ sentence, last }) catch "an error of Windows";
}

/// Keeps the number of the last error for `cause` and says what kind it is.
pub fn failure() Error {
    last = w.GetLastError();
    return switch (last) {
        2, 3, 53, 67, 123 => error.NotFound,
        80, 145, 183 => error.Exists,
        39, 112 => error.NoSpace,
        5, 19 => error.Denied,
        32, 33, 1224 => error.InUse,
        else => error.Failed,
    };
}

const literal = std.unicode.wtf8ToWtf16LeStringLiteral;

/// A path as calls want it: absolute, UTF-16, without the limit of 260 characters.
pub fn wide(arena: Allocator, path: []const u8) Error![:0]const u16 {
    const plain = std.unicode.wtf8ToWtf16LeAllocZ(arena, path) catch return error.Failed;
    if (std.mem.startsWith(u8, path, "\\\\?\\") or std.mem.startsWith(u8, path, "\\\\.\\")) return plain;
    const full = try arena.alloc(u16, 32768);
    const length = w.GetFullPathNameW(plain, @intCast(full.len), full.ptr, null);
    if (length == 0 or length >= full.len) return failure();
    const is_share = full[0] == '\\' and full[1] == '\\';
    const parts: [2][]const u16 = if (is_share)
        .{ literal("\\\\?\\UNC\\"), full[2..length] }
    else
        .{ literal("\\\\?\\"), full[0..length] };
    return std.mem.concatWithSentinel(arena, u16, &parts, 0);
}

/// Facts about a file or folder, of what a link points to, or null if there is none.
pub fn look(arena: Allocator, path: []const u8) ?Facts {
    return lookAt(arena, path, w.flag_backup_semantics) orelse lookAtLink(arena, path);
}

/// As `look`, but a link (or an alias of the Store) is kind `other`.
pub fn lookAtLink(arena: Allocator, path: []const u8) ?Facts {
    return lookAt(arena, path, w.flag_backup_semantics | w.flag_open_reparse_point);
}

fn lookAt(arena: Allocator, path: []const u8, flags: u32) ?Facts {
    const name = wide(arena, path) catch return null;
    const handle = w.CreateFileW(name, 0, w.share_all, null, w.open_existing, flags, null);
    if (handle == w.invalid) return null;
    defer close(handle);
    var found: w.FileInformation = undefined;
    if (w.GetFileInformationByHandle(handle, &found) == 0) return null;
    const is_link = found.attributes & w.attribute_reparse_point != 0 and flags & w.flag_open_reparse_point != 0;
    const is_folder = found.attributes & w.attribute_folder != 0;
    return .{
        .kind = if (is_link) .other else if (is_folder) .folder else .file,
        .size = join(found.size_high, found.size_low),
        .modified = @bitCast(join(found.written.high, found.written.low)),
        .identity = .{ found.volume, join(found.index_high, found.index_low) },
    };
}

fn join(high: u32, low: u32) u64 {
    return @as(u64, high) << 32 | low;
}

pub fn openToRead(arena: Allocator, path: []const u8) Error!Handle {
    return open(arena, path, w.read_access, w.share_all, w.open_existing);
}

/// A new file; it is an error if there is one already.
pub fn create(arena: Allocator, path: []const u8, executable: bool) Error!Handle {
    _ = executable;
    return open(arena, path, w.write_access, w.share_all, w.create_new);
}

/// The file to hold a lock on, made if there is none.
pub fn openToLock(arena: Allocator, path: []const u8) Error!Handle {
    return open(arena, path, w.read_access | w.write_access, w.share_all, w.open_always);
}

fn open(arena: Allocator, path: []const u8, access: u32, share: u32, disposition: u32) Error!Handle {
    const name = try wide(arena, path);
    const handle = w.CreateFileW(name, access, share, null, disposition, w.attribute_normal, null);
    return if (handle == w.invalid) failure() else handle;
}

pub fn close(handle: Handle) void {
    _ = w.CloseHandle(handle);
}

/// Reads until the buffer is full or the file ends.
pub fn read(handle: Handle, buffer: []u8) Error!usize {
    var filled: usize = 0;
    while (filled < buffer.len) {
        var got: u32 = 0;
        const wanted: u32 = @intCast(@min(buffer.len - filled, 1 << 20));
        if (w.ReadFile(handle, buffer[filled..].ptr, wanted, &got, null) == 0) return failure();
        if (got == 0) break;
        filled += got;
    }
    return filled;
}

pub fn write(handle: Handle, bytes: []const u8) Error!void {
    var rest = bytes;
    while (rest.len > 0) {
        var put: u32 = 0;
        if (w.WriteFile(handle, rest.ptr, @intCast(@min(rest.len, 1 << 20)), &put, null) == 0) return failure();
        rest = rest[put..];
    }
}

/// Closes a file that was written.
pub fn finish(handle: Handle) Error!void {
    if (w.CloseHandle(handle) == 0) return failure();
}

/// Returns when what was written is on the disk.
pub fn sync(handle: Handle) Error!void {
    if (w.FlushFileBuffers(handle) == 0) return failure();
}

/// Only an administrator may sync a volume: files are synced one by one.
pub const syncs_trees = false;

pub fn syncTree(arena: Allocator, path: []const u8) Error!void {
    _ = arena;
    _ = path;
}

/// NTFS keeps folders in its journal; there is nothing to ask for.
pub fn syncFolder(arena: Allocator, path: []const u8) Error!void {
    _ = arena;
    _ = path;
}

pub fn makeFolder(arena: Allocator, path: []const u8, private: bool) Error!void {
    _ = private;
    if (w.CreateDirectoryW(try wide(arena, path), null) == 0) return failure();
}

/// Renames a file over another, or a folder to a name that is free.
pub fn rename(arena: Allocator, from: []const u8, to: []const u8) Error!void {
    const from_name = try wide(arena, from);
    const to_name = try wide(arena, to);
    const replace_existing_and_write_through = 0x1 | 0x8;
    return withPatience(struct {
        fn move(names: [2][:0]const u16) w.Bool {
            return w.MoveFileExW(names[0], names[1], replace_existing_and_write_through);
        }
    }.move, .{ from_name, to_name });
}

pub fn removeFile(arena: Allocator, path: []const u8) Error!void {
    const name = try wide(arena, path);
    return withPatience(struct {
        fn remove(names: [2][:0]const u16) w.Bool {
            return w.DeleteFileW(names[0]);
        }
    }.remove, .{ name, name });
}

pub fn removeFolder(arena: Allocator, path: []const u8) Error!void {
    const name = try wide(arena, path);
    return withPatience(struct {
        fn remove(names: [2][:0]const u16) w.Bool {
            return w.RemoveDirectoryW(names[0]);
        }
    }.remove, .{ name, name });
}

/// A virus scanner holds what was just written open for moments; so it is tried again for some seconds.
fn withPatience(action: fn (names: [2][:0]const u16) w.Bool, names: [2][:0]const u16) Error!void {
    var pause: u32 = 10;
    while (action(names) == 0) : (pause *= 2) switch (failure()) {
        error.Denied, error.InUse => |err| if (pause > 3000) return err else w.Sleep(pause),
        else => |err| return err,
    };
}

/// The names in a folder, in no order.
pub fn list(arena: Allocator, path: []const u8) Error![]const []const u8 {
    const pattern = try wide(arena, try std.mem.concat(arena, u8, &.{ path, "\\*" }));
    var data: w.FindData = undefined;
    const search = w.FindFirstFileW(pattern, &data);
    if (search == w.invalid) return failure();
    defer _ = w.FindClose(search);
    var names: std.ArrayList([]const u8) = .empty;
    while (true) {
        const name = try std.unicode.wtf16LeToWtf8Alloc(arena, std.mem.sliceTo(&data.name, 0));
        if (!std.mem.eql(u8, name, ".") and !std.mem.eql(u8, name, "..")) try names.append(arena, name);
        if (w.FindNextFileW(search, &data) == 0) return names.items;
    }
}

/// Takes the lock if it is free. It is the operating system's, so it dies with its holder.
pub fn tryLock(handle: Handle) Error!bool {
    var where: w.Overlapped = .{};
    const exclusive_at_once = 0x2 | 0x1;
    if (w.LockFileEx(handle, exclusive_at_once, 0, 1, 0, &where) != 0) return true;
    return switch (failure()) {
        error.InUse => false,
        else => |other| if (last == 997) false else other,
    };
}

/// Opens a folder and holds it as long as the handle is open: together with others, or alone. Windows itself keeps
/// apart those who allow no renaming and those who ask for it. `InUse` if that can't be at the moment.
pub fn holdFolder(arena: Allocator, path: []const u8, how: enum { shared, alone }) Error!Handle {
    const access, const share = switch (how) {
        .shared => .{ w.read_access | w.write_attributes_access, w.share_all & ~w.share_delete },
        .alone => .{ w.read_access | w.delete_access, w.share_all },
    };
    const flags = w.flag_backup_semantics | w.flag_open_reparse_point;
    const handle = w.CreateFileW(try wide(arena, path), access, share, null, w.open_existing, flags, null);
    return if (handle == w.invalid) failure() else handle;
}

/// Gives a folder the time of now, if we may.
pub fn touch(handle: Handle) void {
    var time: w.Time = undefined;
    w.GetSystemTimeAsFileTime(&time);
    _ = w.SetFileTime(handle, null, null, &time);
}

/// Bytes that this user may still write to the volume of a folder, or null if that can't be told.
pub fn freeSpace(arena: Allocator, folder: []const u8) ?u64 {
    var available: u64 = 0;
    const name = wide(arena, folder) catch return null;
    return if (w.GetDiskFreeSpaceExW(name, &available, null, null) == 0) null else available;
}
