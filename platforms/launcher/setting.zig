//! Where the launcher finds itself: its folder, its configuration, its arguments, and whether a client started it.
const std = @import("std");
const arguments = @import("arguments.zig");
const config = @import("config.zig");
const messages = @import("messages.zig");
const places = @import("places.zig");
const Requirement = @import("search.zig").Requirement;
const Runtime = @import("runtime.zig");
const system = @import("system.zig");
const tree = @import("tree.zig");

pub const Setting = struct {
    arena: std.mem.Allocator,
    /// The launcher's own path, and the folder of it.
    own: []const u8,
    folder: []const u8,
    config: config.Config,
    arguments: arguments.Arguments,
    places: []const places.Place,

    pub fn requirement(setting: Setting) Requirement {
        return .{
            .application = .{ .oldest = setting.config.python_min, .newest = setting.config.python_max },
            .job = setting.arguments.python,
            .bits = setting.config.bits,
            .modules = setting.config.modules,
        };
    }

    pub fn runtime(setting: Setting) ?Runtime {
        return .{
            .arena = setting.arena,
            .payload = setting.config.payload orelse return null,
            .own = setting.folder,
            .places = setting.places,
        };
    }

    pub fn workerArchive(setting: Setting) ![]const u8 {
        return tree.below(setting.arena, setting.folder, setting.config.worker);
    }
};

pub fn read(arena: std.mem.Allocator, given: []const []const u8) !Setting {
    const own = system.process.ownPath(arena) orelse return messages.because(
        error.Unusable,
        "failed to find out the launcher's own path: the system does not tell it; start it by its full path",
        .{},
    );
    const folder = std.fs.path.dirname(own).?;
    const name = std.mem.cutSuffix(u8, own, ".exe") orelse own;
    const setting: Setting = .{
        .arena = arena,
        .own = own,
        .folder = folder,
        .config = try config.read(arena, try std.mem.concat(arena, u8, &.{ name, ".conf" })),
        .arguments = try arguments.parse(arena, given),
        .places = try places.list(arena, folder, isUnderClient(arena)),
    };
    const archive = try setting.workerArchive();
    if (system.files.look(arena, archive) != null) return setting;
    return messages.because(
        error.Unusable,
        "failed to find the worker archive {s}; reset the project, so that the client downloads it again",
        .{archive},
    );
}

/// A BOINC client writes this file into the slot folder before it starts anything there.
pub fn isUnderClient(arena: std.mem.Allocator) bool {
    return system.files.look(arena, "init_data.xml") != null;
}
