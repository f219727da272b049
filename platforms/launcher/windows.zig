//! The calls of Windows that the programs use, all of them in Windows XP. std.os.windows has few of these any more.
const std = @import("std");

pub const Handle = *anyopaque;
pub const invalid: Handle = @ptrFromInt(std.math.maxInt(usize));
pub const Bool = i32;
pub const Time = extern struct {
    low: u32,
    high: u32,

    /// Of a count of 100 ns since 1601.
    pub fn secondsSince1970(count: u64) i64 {
        return @as(i64, @intCast(count / 10_000_000)) - 11_644_473_600;
    }
};

pub const read_access: u32 = 0x8000_0000;
pub const write_access: u32 = 0x4000_0000;
pub const delete_access: u32 = 0x0001_0000;
pub const write_attributes_access: u32 = 0x0000_0100;
pub const append_access: u32 = 0x0000_0004 | 0x0010_0000; // FILE_APPEND_DATA | SYNCHRONIZE
pub const share_all: u32 = 7;
pub const share_delete: u32 = 4;
pub const create_new: u32 = 1;
pub const open_existing: u32 = 3;
pub const open_always: u32 = 4;
pub const attribute_folder: u32 = 0x10;
pub const attribute_normal: u32 = 0x80;
pub const attribute_reparse_point: u32 = 0x400;
pub const flag_backup_semantics: u32 = 0x0200_0000;
pub const flag_open_reparse_point: u32 = 0x0020_0000;

pub const FileInformation = extern struct {
    attributes: u32,
    created: Time,
    accessed: Time,
    written: Time,
    volume: u32,
    size_high: u32,
    size_low: u32,
    links: u32,
    index_high: u32,
    index_low: u32,
};

pub const FindData = extern struct {
    attributes: u32,
    created: Time,
    accessed: Time,
    written: Time,
    size_high: u32,
    size_low: u32,
    reserved: [2]u32,
    name: [260:0]u16,
    short_name: [14]u16,
};

pub const Overlapped = extern struct {
    internal: [2]usize = @splat(0),
    offset: [2]u32 = @splat(0),
    event: ?Handle = null,
};

pub const SystemTime = extern struct {
    year: u16,
    month: u16,
    weekday: u16,
    day: u16,
    hour: u16,
    minute: u16,
    second: u16,
    millisecond: u16,
};

pub const SecurityAttributes = extern struct {
    length: u32 = @sizeOf(SecurityAttributes),
    descriptor: ?*anyopaque = null,
    inherit: Bool = 1,
};

pub const StartupInfo = extern struct {
    length: u32 = @sizeOf(StartupInfo),
    reserved: ?*anyopaque = null,
    desktop: ?*anyopaque = null,
    title: ?*anyopaque = null,
    placement: [7]u32 = @splat(0),
    flags: u32 = 0x100, // STARTF_USESTDHANDLES
    show: u16 = 0,
    reserved_length: u16 = 0,
    reserved_2: ?*anyopaque = null,
    input: ?Handle,
    output: ?Handle,
    err: ?Handle,
};

pub const ProcessInformation = extern struct { process: Handle, thread: Handle, process_id: u32, thread_id: u32 };

/// JOBOBJECT_EXTENDED_LIMIT_INFORMATION
pub const JobLimits = extern struct {
    process_time: i64 align(8) = 0,
    job_time: i64 align(8) = 0,
    flags: u32 = 0,
    working_set: [2]usize = @splat(0),
    active_processes: u32 = 0,
    affinity: usize = 0,
    priority: u32 = 0,
    scheduling: u32 = 0,
    io_counters: [6]u64 align(8) = @splat(0),
    memory: [4]usize = @splat(0),

    pub const information_class = 9;
    pub const kill_on_job_close = 0x2000;
};

/// SYSTEM_TIMEOFDAY_INFORMATION, in units of 100 ns.
pub const SystemTimes = extern struct {
    boot: u64 = 0,
    now: u64 = 0,
    time_zone: u64 = 0,
    time_zone_id: u32 = 0,
    reserved: u32 = 0,
    boot_bias: u64 = 0,
    sleep_bias: u64 = 0,
};
pub const system_times: u32 = 3;

pub const create_suspended: u32 = 0x4;
pub const create_unicode_environment: u32 = 0x400;
pub const create_no_window: u32 = 0x0800_0000;
pub const infinite: u32 = 0xffff_ffff;
pub const still_active: u32 = 259;
pub const wait_object_0: u32 = 0;

pub const std_input: u32 = 0xffff_fff6;
pub const std_output: u32 = 0xffff_fff5;
pub const std_error: u32 = 0xffff_fff4;
pub const file_type_char: u32 = 2;

pub const local_machine: *anyopaque = @ptrFromInt(0x8000_0002);
pub const current_user: *anyopaque = @ptrFromInt(0x8000_0001);
pub const key_read: u32 = 0x20019;
pub const view_64: u32 = 0x100;
pub const view_32: u32 = 0x200;

pub const get_reparse_point: u32 = 0x000900a8;
pub const tag_app_execution_alias: u32 = 0x8000_001b;

const win: std.lang.CallingConvention = .winapi;

pub extern "kernel32" fn AssignProcessToJobObject(job: Handle, process: Handle) callconv(win) Bool;
pub extern "kernel32" fn CloseHandle(handle: Handle) callconv(win) Bool;
pub extern "kernel32" fn CreateDirectoryW(path: [*:0]const u16, security: ?*anyopaque) callconv(win) Bool;
pub extern "kernel32" fn CreateFileW(
    path: [*:0]const u16,
    access: u32,
    share: u32,
    security: ?*SecurityAttributes,
    disposition: u32,
    flags: u32,
    template: ?Handle,
) callconv(win) Handle;
pub extern "kernel32" fn CreateJobObjectW(security: ?*anyopaque, name: ?*anyopaque) callconv(win) ?Handle;
pub extern "kernel32" fn CreatePipe(
    reader: *Handle,
    writer: *Handle,
    security: ?*SecurityAttributes,
    size: u32,
) callconv(win) Bool;
pub extern "kernel32" fn CreateProcessW(
    application: [*:0]const u16,
    command_line: [*:0]u16,
    process: ?*anyopaque,
    thread: ?*anyopaque,
    inherit: Bool,
    flags: u32,
    environment: ?*anyopaque,
    folder: ?[*:0]const u16,
    startup: *StartupInfo,
    information: *ProcessInformation,
) callconv(win) Bool;
pub extern "kernel32" fn CreateSemaphoreW(
    security: ?*anyopaque,
    value: i32,
    most: i32,
    name: ?*anyopaque,
) callconv(win) ?Handle;
pub extern "kernel32" fn CreateThread(
    security: ?*anyopaque,
    stack: usize,
    start: *const fn (?*anyopaque) callconv(.withStackAlign(.winapi, 1)) u32,
    context: ?*anyopaque,
    flags: u32,
    id: ?*u32,
) callconv(win) ?Handle;
pub extern "kernel32" fn DeleteFileW(path: [*:0]const u16) callconv(win) Bool;
pub extern "kernel32" fn DeviceIoControl(
    handle: Handle,
    code: u32,
    in: ?*anyopaque,
    in_size: u32,
    out: [*]u8,
    out_size: u32,
    returned: *u32,
    overlapped: ?*anyopaque,
) callconv(win) Bool;
pub extern "kernel32" fn ExitProcess(status: u32) callconv(win) noreturn;
pub extern "kernel32" fn FindClose(handle: Handle) callconv(win) Bool;
pub extern "kernel32" fn FindFirstFileW(pattern: [*:0]const u16, data: *FindData) callconv(win) Handle;
pub extern "kernel32" fn FindNextFileW(handle: Handle, data: *FindData) callconv(win) Bool;
pub extern "kernel32" fn FlushFileBuffers(handle: Handle) callconv(win) Bool;
pub extern "kernel32" fn FormatMessageW(
    flags: u32,
    source: ?*anyopaque,
    number: u32,
    language: u32,
    buffer: [*]u16,
    size: u32,
    arguments: ?*anyopaque,
) callconv(win) u32;
pub extern "kernel32" fn GetCommandLineW() callconv(win) [*:0]const u16;
pub extern "kernel32" fn GetCurrentProcess() callconv(win) Handle;
pub extern "kernel32" fn GetCurrentProcessId() callconv(win) u32;
pub extern "kernel32" fn GetDiskFreeSpaceExW(
    folder: [*:0]const u16,
    available: *u64,
    total: ?*u64,
    free: ?*u64,
) callconv(win) Bool;
pub extern "kernel32" fn GetEnvironmentVariableW(
    name: [*:0]const u16,
    buffer: ?[*]u16,
    size: u32,
) callconv(win) u32;
pub extern "kernel32" fn GetExitCodeProcess(process: Handle, status: *u32) callconv(win) Bool;
pub extern "kernel32" fn GetFileInformationByHandle(
    handle: Handle,
    information: *FileInformation,
) callconv(win) Bool;
pub extern "kernel32" fn GetFileType(handle: Handle) callconv(win) u32;
pub extern "kernel32" fn GetFullPathNameW(
    path: [*:0]const u16,
    size: u32,
    buffer: [*]u16,
    part: ?*anyopaque,
) callconv(win) u32;
pub extern "kernel32" fn GetLastError() callconv(win) u32;
pub extern "kernel32" fn GetLocalTime(time: *SystemTime) callconv(win) void;
pub extern "kernel32" fn GetModuleFileNameW(module: ?Handle, buffer: [*]u16, size: u32) callconv(win) u32;
pub extern "kernel32" fn GetProcAddress(module: Handle, name: [*:0]const u8) callconv(win) ?*anyopaque;
pub extern "kernel32" fn GetStdHandle(which: u32) callconv(win) ?Handle;
pub extern "kernel32" fn GetSystemTimeAsFileTime(time: *Time) callconv(win) void;
pub extern "kernel32" fn LoadLibraryExW(
    path: [*:0]const u16,
    reserved: ?*anyopaque,
    flags: u32,
) callconv(win) ?Handle;
pub extern "kernel32" fn LockFileEx(
    handle: Handle,
    flags: u32,
    reserved: u32,
    low: u32,
    high: u32,
    overlapped: *Overlapped,
) callconv(win) Bool;
pub extern "kernel32" fn MoveFileExW(from: [*:0]const u16, to: [*:0]const u16, flags: u32) callconv(win) Bool;
pub extern "kernel32" fn PeekNamedPipe(
    pipe: Handle,
    buffer: ?*anyopaque,
    size: u32,
    read: ?*u32,
    available: *u32,
    left: ?*u32,
) callconv(win) Bool;
pub extern "kernel32" fn QueryPerformanceCounter(count: *u64) callconv(win) Bool;
pub extern "kernel32" fn QueryPerformanceFrequency(frequency: *u64) callconv(win) Bool;
pub extern "kernel32" fn ReadFile(
    handle: Handle,
    buffer: [*]u8,
    size: u32,
    read: *u32,
    overlapped: ?*anyopaque,
) callconv(win) Bool;
pub extern "kernel32" fn ReleaseSemaphore(semaphore: Handle, count: i32, before: ?*i32) callconv(win) Bool;
pub extern "kernel32" fn RemoveDirectoryW(path: [*:0]const u16) callconv(win) Bool;
pub extern "kernel32" fn ResumeThread(thread: Handle) callconv(win) u32;
pub extern "kernel32" fn SetConsoleCtrlHandler(
    handler: *const fn (u32) callconv(win) Bool,
    add: Bool,
) callconv(win) Bool;
pub extern "kernel32" fn SetErrorMode(mode: u32) callconv(win) u32;
pub extern "kernel32" fn SetFileTime(
    handle: Handle,
    created: ?*const Time,
    accessed: ?*const Time,
    written: ?*const Time,
) callconv(win) Bool;
pub extern "kernel32" fn SetHandleInformation(handle: Handle, mask: u32, flags: u32) callconv(win) Bool;
pub extern "kernel32" fn SetInformationJobObject(
    job: Handle,
    class: u32,
    information: *const anyopaque,
    size: u32,
) callconv(win) Bool;
pub extern "kernel32" fn SetStdHandle(which: u32, handle: Handle) callconv(win) Bool;
pub extern "kernel32" fn Sleep(milliseconds: u32) callconv(win) void;
pub extern "kernel32" fn TerminateProcess(process: Handle, status: u32) callconv(win) Bool;
pub extern "kernel32" fn WaitForSingleObject(handle: Handle, milliseconds: u32) callconv(win) u32;
pub extern "kernel32" fn WideCharToMultiByte(
    page: u32,
    flags: u32,
    wide: [*:0]const u16,
    wide_size: i32,
    narrow: ?[*]u8,
    size: i32,
    default: ?*anyopaque,
    used: ?*anyopaque,
) callconv(win) i32;
pub extern "kernel32" fn WriteFile(
    handle: Handle,
    bytes: [*]const u8,
    size: u32,
    written: *u32,
    overlapped: ?*anyopaque,
) callconv(win) Bool;
pub extern "advapi32" fn RegCloseKey(key: *anyopaque) callconv(win) i32;
pub extern "advapi32" fn RegEnumKeyExW(
    key: *anyopaque,
    index: u32,
    name: [*]u16,
    size: *u32,
    reserved: ?*anyopaque,
    class: ?*anyopaque,
    class_size: ?*u32,
    time: ?*anyopaque,
) callconv(win) i32;
pub extern "advapi32" fn RegOpenKeyExW(
    key: *anyopaque,
    name: [*:0]const u16,
    options: u32,
    access: u32,
    opened: *?*anyopaque,
) callconv(win) i32;
pub extern "advapi32" fn RegQueryValueExW(
    key: *anyopaque,
    name: ?[*:0]const u16,
    reserved: ?*u32,
    kind: *u32,
    data: [*]u8,
    size: *u32,
) callconv(win) i32;
pub extern "ntdll" fn NtQuerySystemInformation(
    class: u32,
    information: *anyopaque,
    size: u32,
    returned: ?*u32,
) callconv(win) i32;
