//! Windows 10 and later put a python.exe into everybody's PATH that is no Python but opens the Store.
const std = @import("std");
const files = @import("system.zig").files;
const w = @import("windows.zig");

/// Who stands behind an alias that no installed Python has taken over.
const redirector = std.unicode.wtf8ToWtf16LeStringLiteral("AppInstallerPythonRedirector.exe");

/// Whether a file is an app execution alias of the Store's installer; that of an installed Python is not.
pub fn isInstallerStub(arena: std.mem.Allocator, path: []const u8) bool {
    const name = files.wide(arena, path) catch return false;
    const flags = w.flag_open_reparse_point | w.flag_backup_semantics;
    const handle = w.CreateFileW(name, 0, w.share_all, null, w.open_existing, flags, null);
    if (handle == w.invalid) return false;
    defer files.close(handle);
    var data: [16 * 1024]u8 align(4) = undefined;
    var size: u32 = 0;
    if (w.DeviceIoControl(handle, w.get_reparse_point, null, 0, &data, data.len, &size, null) == 0) return false;
    return namesInstaller(data[0..size]);
}

/// The data begin with the tag; the target stands somewhere in what follows, in UTF-16.
pub fn namesInstaller(data: []const u8) bool {
    if (data.len < 8 or std.mem.readInt(u32, data[0..4], .little) != w.tag_app_execution_alias) return false;
    return std.mem.find(u8, data, std.mem.sliceAsBytes(redirector[0..redirector.len])) != null;
}

test "the alias of the Store's installer is told from that of an installed Python" {
    const literal = std.unicode.wtf8ToWtf16LeStringLiteral;
    const installer = literal("C:\\WindowsApps\\AppInstallerPythonRedirector.exe");
    const python = literal("C:\\WindowsApps\\PythonSoftwareFoundation.Python.3.11\\python.exe");
    var data: [256]u8 = @splat(0);
    for ([_][:0]const u16{ installer, python }) |target| {
        std.mem.writeInt(u32, data[0..4], w.tag_app_execution_alias, .little);
        @memcpy(data[12..][0 .. 2 * target.len], std.mem.sliceAsBytes(target));
        try std.testing.expectEqual(target.ptr == installer.ptr, namesInstaller(&data));
        std.mem.writeInt(u32, data[0..4], 0xa000_000c, .little); // a symbolic link
        try std.testing.expect(!namesInstaller(&data));
    }
    try std.testing.expect(!namesInstaller(""));
}
