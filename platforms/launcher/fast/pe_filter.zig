//! Turns what a payload holds of a Windows program into the program; pymw_packager/pe_filter.py tells the format.
const std = @import("std");
const Allocator = std.mem.Allocator;

/// How a stored image begins.
pub const mark = "mz";

const plain_mark = "MZ";
const intel386 = 0x14c;
const amd64 = 0x8664;
const code_flag = 0x20;
const page = 0x1000;

const Section = struct {
    address: u32,
    is_code: bool,
    bytes: []u8,
};

const Image = struct {
    base: u64,
    size: u32,
    wide: bool,
    /// All but the table's.
    sections: []const Section,
    table: ?Section,
};

/// Restores a stored image in its place; what is none stays as it is.
pub fn restore(arena: Allocator, content: []u8) error{OutOfMemory}!void {
    if (!std.mem.startsWith(u8, content, mark)) return;
    const image = try read(arena, content) orelse return;
    @memcpy(content[0..plain_mark.len], plain_mark);
    for (image.sections) |section| if (section.is_code) turnCalls(image, section);
    if (image.table) |table| {
        const found = try places(arena, image, table.bytes);
        std.mem.sortUnstable(u32, found, {}, std.sort.asc(u32));
        writeTable(table.bytes, found, image.wide);
    }
}

/// Reads the headers; null if it is no image, for another machine, or its parts lie outside of it.
fn read(arena: Allocator, content: []u8) !?Image {
    const start = number(u32, content, 0x3c) orelse return null;
    if (start > content.len or !std.mem.startsWith(u8, content[start..], "PE\x00\x00")) return null;
    const machine = number(u16, content, start + 4) orelse return null;
    if (machine != intel386 and machine != amd64) return null;
    const wide = machine == amd64;
    const count = number(u16, content, start + 6) orelse return null;
    const headers = @as(usize, start) + 24 + (number(u16, content, start + 20) orelse return null);
    const high = if (wide) number(u32, content, start + 52) orelse return null else 0;
    const low = number(u32, content, start + @as(u32, if (wide) 48 else 52)) orelse return null;
    const relocations = number(u32, content, start + @as(u32, if (wide) 176 else 160)) orelse return null;
    var image: Image = .{
        .base = @as(u64, high) << 32 | low,
        .size = number(u32, content, start + 80) orelse return null,
        .wide = wide,
        .sections = &.{},
        .table = null,
    };
    var sections: std.ArrayList(Section) = .empty;
    for (0..count) |index| {
        const header = headers + 40 * index;
        const flags = number(u32, content, header + 36) orelse return null;
        const size = number(u32, content, header + 16).?;
        const offset = number(u32, content, header + 20).?;
        if (offset > content.len or size > content.len - offset) return null;
        const section: Section = .{
            .address = number(u32, content, header + 12).?,
            .is_code = flags & code_flag != 0,
            .bytes = content[offset..][0..size],
        };
        if (section.address != relocations) {
            try sections.append(arena, section);
        } else if (image.table == null) {
            image.table = section;
        }
    }
    image.sections = sections.items;
    return image;
}

fn number(T: type, content: []const u8, at: usize) ?T {
    if (at > content.len or content.len - at < @sizeOf(T)) return null;
    return std.mem.readInt(T, content[at..][0..@sizeOf(T)], .little);
}

/// Turns the targets behind E8 and E9 into distances.
fn turnCalls(image: Image, section: Section) void {
    const code = section.bytes;
    var at: usize = 0;
    while (at + 5 <= code.len) {
        if (code[at] & 0xfe != 0xe8) {
            at += 1;
            continue;
        }
        at += 5;
        const value: i64 = std.mem.readInt(i32, code[at - 4 ..][0..4], .little);
        const place: i64 = @intCast(section.address + at);
        if (value < -place or value >= image.size) continue;
        const distance = if (value >= 0) value - place else value + image.size;
        std.mem.writeInt(i32, code[at - 4 ..][0..4], @intCast(distance), .little);
    }
}

/// Returns the places of all addresses, of which some, or none, may come first that are out of order.
fn places(arena: Allocator, image: Image, listed: []const u8) ![]u32 {
    var numbers: Numbers = .{ .left = listed };
    var found: std.ArrayList(u32) = .empty;
    for (0..@min(numbers.next(), listed.len)) |_| try found.append(arena, numbers.next());
    var run = numbers.next();
    const width: usize = if (image.wide) 8 else 4;
    for (image.sections) |section| {
        const step = if (section.is_code and !image.wide) 1 else width;
        var at: usize = 0;
        while (at + width <= section.bytes.len) : (at += step) {
            const value = if (image.wide)
                std.mem.readInt(u64, section.bytes[at..][0..8], .little)
            else
                std.mem.readInt(u32, section.bytes[at..][0..4], .little);
            if (value < image.base or value - image.base >= image.size) continue;
            if (run == 0) {
                run = numbers.next();
                continue;
            }
            run -= 1;
            try found.append(arena, @intCast(section.address + at));
        }
    }
    return found.items;
}

/// LEB128; after the last there are zeros.
const Numbers = struct {
    left: []const u8,

    fn next(numbers: *Numbers) u32 {
        var value: u32 = 0;
        for (numbers.left, 0..) |byte, index| {
            value |= @as(u32, byte & 0x7f) << @intCast(@min(7 * index, 28));
            if (byte < 0x80) {
                numbers.left = numbers.left[index + 1 ..];
                return value;
            }
        }
        numbers.left = "";
        return value;
    }
};

/// Writes the table that linkers make of sorted places: a block for each page, of whole double words.
fn writeTable(table: []u8, sorted: []const u32, wide: bool) void {
    var out: std.Io.Writer = .fixed(table);
    var rest = sorted;
    while (rest.len > 0) {
        const first = rest[0] / page;
        const count = for (rest, 0..) |place, index| {
            if (place / page != first) break index;
        } else rest.len;
        const size = 8 + 2 * (count + count % 2);
        if (size > table.len - out.end) break;
        out.writeInt(u32, first * page, .little) catch unreachable;
        out.writeInt(u32, @intCast(size), .little) catch unreachable;
        for (rest[0..count]) |place| {
            const kind: u16 = if (wide) 10 else 3;
            out.writeInt(u16, kind * page + @as(u16, @intCast(place % page)), .little) catch unreachable;
        }
        if (count % 2 == 1) out.writeInt(u16, 0, .little) catch unreachable;
        rest = rest[count..];
    }
    @memset(table[out.end..], 0);
}
