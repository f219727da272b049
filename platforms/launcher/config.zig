//! The text file beside the launcher: all that differs from one application to the next. docs/launcher.md describes it.
const std = @import("std");
const content = @import("content.zig");
const files = @import("system.zig").files;
const messages = @import("messages.zig");
const tree = @import("tree.zig");
const Version = @import("version.zig").Version;

pub const Preference = enum { system, embedded };

pub const Payload = struct {
    file: []const u8,
    sha256: [32]u8,
    size: u64,
    python: []const u8,
    version: Version,
};

pub const Config = struct {
    worker: []const u8,
    python_min: ?Version = null,
    python_max: ?Version = null,
    bits: ?u16 = null,
    modules: []const []const u8 = &.{},
    prefer: Preference = .system,
    payload: ?Payload = null,
    /// Public keys, and ids of revoked ones: for the worker alone to understand.
    trust: ?[]const u8 = null,
    revoked: ?[]const u8 = null,
};

const Name = enum {
    format,
    worker,
    python_min,
    python_max,
    bits,
    modules,
    prefer,
    payload,
    payload_sha256,
    payload_size,
    payload_python,
    payload_version,
    trust,
    revoked,
};
const Settings = std.EnumArray(Name, ?[]const u8);
const largest = 64 * 1024;

pub fn read(arena: std.mem.Allocator, path: []const u8) !Config {
    const bytes = content.read(arena, path, largest) catch {
        return messages.because(
            error.Unusable,
            "failed to read the configuration {s}: {s}; reset the project, so that the client downloads it again",
            .{ path, files.cause(arena) },
        );
    };
    return parse(arena, bytes) catch |err| switch (err) {
        error.OutOfMemory => |e| e,
        error.BadSetting => messages.because(
            error.Unusable,
            "failed to use the configuration {s}: {s}; package the application again with this version's pymw-package",
            .{ path, messages.reason },
        ),
    };
}

/// Errors explain themselves with half a sentence, which `read` completes.
fn parse(arena: std.mem.Allocator, bytes: []const u8) !Config {
    const settings = try split(bytes);
    const format = settings.get(.format) orelse "";
    if (!std.mem.eql(u8, format, "1")) return bad("its format is \"{s}\", not 1", .{format});
    var config: Config = .{ .worker = try fileName(settings, .worker) };
    config.python_min = try version(settings, .python_min);
    config.python_max = try version(settings, .python_max);
    if (settings.get(.bits)) |value| {
        config.bits = std.fmt.parseInt(u16, value, 10) catch 0;
        if (config.bits != 32 and config.bits != 64) return bad("bits is \"{s}\", not 32 or 64", .{value});
    }
    config.modules = try moduleNames(arena, settings.get(.modules) orelse "");
    if (settings.get(.prefer)) |value| {
        config.prefer = std.meta.stringToEnum(Preference, value) orelse
            return bad("prefer is \"{s}\", not system or embedded", .{value});
    }
    if (settings.get(.payload) != null) config.payload = try payloadSettings(settings);
    config.trust = try hexadecimal(settings, .trust);
    config.revoked = try hexadecimal(settings, .revoked);
    return config;
}

fn split(bytes: []const u8) !Settings {
    var settings: Settings = .initFill(null);
    var is_first = true;
    var lines = std.mem.splitScalar(u8, std.mem.cutPrefix(u8, bytes, "\xef\xbb\xbf") orelse bytes, '\n');
    while (lines.next()) |line| {
        const setting = std.mem.trim(u8, line, " \t\r");
        if (setting.len == 0 or setting[0] == '#') continue;
        const left, const right = std.mem.cutScalar(u8, setting, '=') orelse return bad("\"{s}\" has no =", .{setting});
        const label = std.mem.trim(u8, left, " \t");
        const name = std.meta.stringToEnum(Name, label) orelse return bad("it has the unknown name \"{s}\"", .{label});
        if (is_first and name != .format) return bad("format does not come first", .{});
        is_first = false;
        if (settings.get(name) != null) return bad("{s} stands there twice", .{label});
        settings.set(name, std.mem.trim(u8, right, " \t"));
    }
    return settings;
}

fn payloadSettings(settings: Settings) !Payload {
    var payload: Payload = .{
        .file = try fileName(settings, .payload),
        .sha256 = undefined,
        .size = undefined,
        .python = try required(settings, .payload_python),
        .version = try version(settings, .payload_version) orelse return bad("payload_version is missing", .{}),
    };
    const digits = try required(settings, .payload_sha256);
    if (digits.len != 64) return bad("payload_sha256 is \"{s}\", not 64 hexadecimal digits", .{digits});
    _ = std.fmt.hexToBytes(&payload.sha256, digits) catch
        return bad("payload_sha256 is \"{s}\", not 64 hexadecimal digits", .{digits});
    const size = try required(settings, .payload_size);
    payload.size = std.fmt.parseInt(u64, size, 10) catch
        return bad("payload_size is \"{s}\", not a number of bytes", .{size});
    if (!tree.isSafe(payload.python))
        return bad("payload_python is \"{s}\", not a path within the payload", .{payload.python});
    return payload;
}

fn required(settings: Settings, name: Name) ![]const u8 {
    return settings.get(name) orelse bad("{s} is missing", .{@tagName(name)});
}

fn fileName(settings: Settings, name: Name) ![]const u8 {
    const value = try required(settings, name);
    if (tree.isSafe(value) and std.mem.findScalar(u8, value, '/') == null) return value;
    return bad("{s} is \"{s}\", not the name of a file beside it", .{ @tagName(name), value });
}

fn hexadecimal(settings: Settings, name: Name) !?[]const u8 {
    const value = settings.get(name) orelse return null;
    if (value.len > 0 and std.mem.findNone(u8, value, "0123456789abcdef,") == null) return value;
    return bad("{s} is \"{s}\", not hexadecimal digits with commas", .{ @tagName(name), value });
}

fn version(settings: Settings, name: Name) !?Version {
    const value = settings.get(name) orelse return null;
    return Version.parse(value) orelse bad("{s} is \"{s}\", not a version such as 3.11", .{ @tagName(name), value });
}

fn moduleNames(arena: std.mem.Allocator, value: []const u8) ![]const []const u8 {
    var names: std.ArrayList([]const u8) = .empty;
    var parts = std.mem.tokenizeAny(u8, value, ", \t");
    while (parts.next()) |name| {
        for (name) |character| {
            if (!std.ascii.isAlphanumeric(character) and character != '_' and character != '.')
                return bad("modules has \"{s}\", not a module's name", .{name});
        }
        try names.append(arena, name);
    }
    return names.items;
}

fn bad(comptime format: []const u8, values: anytype) error{BadSetting} {
    return messages.because(error.BadSetting, format, values);
}
