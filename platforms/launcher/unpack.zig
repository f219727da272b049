//! A payload (zstd-compressed tar archive) into a new folder. The caller vouches for the bytes: neither decoder
//! is meant for hostile input in a program built without safety checks.
const std = @import("std");
const fast = @import("fast");
const marker = @import("marker.zig");
const pe_filter = fast.pe_filter;
const system = @import("system.zig");
const tree = @import("tree.zig");
const zstd = @import("zstd.zig");
const files = system.files;
const Allocator = std.mem.Allocator;

/// The payload is not what docs/launcher.md describes; `detail` says why.
pub const Error = files.Error || error{Malformed};

pub var detail: []const u8 = "";

/// zstd's own limit for what it decompresses without being asked twice.
const largest_window = 128 * 1024 * 1024;

/// Unpacks the bytes of a payload below `folder`, which exists, and returns what is there now. `durably`: when it is on
/// the disk, but for what `files.syncTree` does.
pub fn into(arena: Allocator, folder: []const u8, payload: []const u8, durably: bool) Error![]const marker.Entry {
    const window = try windowSize(payload);
    const plain = try arena.create(zstd.Decoder);
    const buffer = try arena.alloc(u8, window + zstd.beyond_window);
    system.expectUse(buffer);
    plain.init(payload, buffer, window);
    defer plain.deinit();
    const names = try arena.alloc(u8, 2 * std.fs.max_path_bytes);
    var archive: std.tar.Iterator = .init(&plain.reader, .{
        .file_name_buffer = names[0..std.fs.max_path_bytes],
        .link_name_buffer = names[std.fs.max_path_bytes..],
    });
    var entries: std.ArrayList(marker.Entry) = .empty;
    while (archive.next() catch |err| return malformed(@errorName(err))) |member| {
        const name = std.mem.trimEnd(u8, std.mem.cutPrefix(u8, member.name, "./") orelse member.name, "/");
        if (member.kind == .directory and (name.len == 0 or std.mem.eql(u8, name, "."))) continue;
        if (!tree.isSafe(name)) return malformed("a member has a path that leads out of it");
        const path = try tree.below(arena, folder, name);
        switch (member.kind) {
            .directory => try tree.make(arena, path),
            .sym_link => return malformed("it has a link"),
            .file => {
                const handle = try create(arena, path, member.mode & 0o111 != 0);
                const sum = writeFile(arena, handle, &plain.reader, member.size, durably) catch |err| {
                    files.close(handle);
                    return err;
                };
                try files.finish(handle);
                archive.unread_file_bytes = 0;
                try entries.append(arena, .{
                    .size = member.size,
                    .sum = sum,
                    .name = try arena.dupe(u8, name),
                });
            },
        }
    }
    return entries.items;
}

fn windowSize(payload: []const u8) Error!u32 {
    const Frame = std.compress.zstd.Decompress.Frame;
    var input: std.Io.Reader = .fixed(payload);
    const magic = input.takeInt(u32, .little) catch return malformed("it is empty");
    if (magic != @backingInt(Frame.Magic.zstandard)) return malformed("it is not a zstd file");
    const header = Frame.Zstandard.Header.decode(&input) catch return malformed("its first frame is cut short");
    const size = header.windowSize() orelse return malformed("its first frame has no window size");
    if (size > largest_window) return malformed("it was compressed with a window of more than 128 MiB");
    return @intCast(size);
}

fn create(arena: Allocator, path: []const u8, executable: bool) Error!files.Handle {
    return files.create(arena, path, executable) catch |err| switch (err) {
        error.NotFound => {
            try tree.make(arena, std.fs.path.dirname(path).?);
            return files.create(arena, path, executable);
        },
        else => return err,
    };
}

/// Returns the checksum of what it wrote.
fn writeFile(arena: Allocator, handle: files.Handle, from: *std.Io.Reader, size: u64, durably: bool) Error!u32 {
    const is_image = size >= pe_filter.mark.len and std.mem.eql(u8, try head(from), pe_filter.mark);
    var sum: fast.Sum = .{};
    if (is_image) {
        const program = try restored(arena, from, size);
        try files.write(handle, program);
        sum.update(program);
    }
    var left = if (is_image) 0 else size;
    while (left > 0) {
        const ready = from.peekGreedy(1) catch |err| return malformed(@errorName(err));
        const chunk = ready[0..@intCast(@min(ready.len, left))];
        try files.write(handle, chunk);
        sum.update(chunk);
        from.toss(chunk.len);
        left -= chunk.len;
    }
    if (durably and !files.syncs_trees) try files.sync(handle);
    return sum.final();
}

fn head(from: *std.Io.Reader) Error![]const u8 {
    return from.peek(pe_filter.mark.len) catch |err| malformed(@errorName(err));
}

/// Reads a stored image of a Windows program and returns the program.
fn restored(arena: Allocator, from: *std.Io.Reader, size: u64) Error![]const u8 {
    const content = try arena.alloc(u8, @intCast(size));
    from.readSliceAll(content) catch |err| return malformed(@errorName(err));
    try pe_filter.restore(arena, content);
    return content;
}

fn malformed(why: []const u8) error{Malformed} {
    detail = why;
    return error.Malformed;
}
