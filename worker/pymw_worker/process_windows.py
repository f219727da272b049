"""Windows: the task's tree lives in a job object, which ends all of it when this process ends.

Windows before 8 has no job in a job: there the launcher's job, in which we are too, does the same, and the
tree is what is in it but ourselves and the launcher.
"""

import ctypes
import os
import subprocess
import time

_kernel32 = ctypes.windll.kernel32
_ntdll = ctypes.windll.ntdll
_HANDLE = ctypes.c_void_p
_DWORD = ctypes.c_ulong
_BOOL = ctypes.c_int

_CREATE_SUSPENDED = 0x00000004
_CREATE_NO_WINDOW = 0x08000000
_KILL_ON_JOB_CLOSE = 0x2000
_BASIC_PROCESS_ID_LIST = 3
_EXTENDED_LIMIT_INFORMATION = 9
_ERROR_MORE_DATA = 234
_PROCESS_RIGHTS = 0x0001 | 0x0400 | 0x0800  # terminate, query information, suspend and resume
_KILLED = 1  # exit status of a process that we ended
_KILL_PATIENCE = 5.0  # seconds until we give up on processes that don't end


class _BasicLimits(ctypes.Structure):
    _fields_ = [
        ("PerProcessUserTimeLimit", ctypes.c_longlong),
        ("PerJobUserTimeLimit", ctypes.c_longlong),
        ("LimitFlags", _DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", _DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", _DWORD),
        ("SchedulingClass", _DWORD),
    ]


class _ExtendedLimits(ctypes.Structure):
    _fields_ = [
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_ulonglong * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    ]


def _declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function


_create_job = _declare(_kernel32, "CreateJobObjectW", _HANDLE, _HANDLE, ctypes.c_wchar_p)
_set_job = _declare(
    _kernel32, "SetInformationJobObject", _BOOL, _HANDLE, ctypes.c_int, ctypes.c_void_p, _DWORD
)
_query_job = _declare(
    _kernel32,
    "QueryInformationJobObject",
    _BOOL,
    _HANDLE,
    ctypes.c_int,
    ctypes.c_void_p,
    _DWORD,
    ctypes.c_void_p,
)
_assign = _declare(_kernel32, "AssignProcessToJobObject", _BOOL, _HANDLE, _HANDLE)
_open_process = _declare(_kernel32, "OpenProcess", _HANDLE, _DWORD, _BOOL, _DWORD)
_close_handle = _declare(_kernel32, "CloseHandle", _BOOL, _HANDLE)
_terminate = _declare(_kernel32, "TerminateProcess", _BOOL, _HANDLE, ctypes.c_uint)
_process_times = _declare(_kernel32, "GetProcessTimes", _BOOL, _HANDLE, *[ctypes.c_void_p] * 4)
_nt_suspend = _declare(_ntdll, "NtSuspendProcess", ctypes.c_long, _HANDLE)
_nt_resume = _declare(_ntdll, "NtResumeProcess", ctypes.c_long, _HANDLE)


class Tree(object):
    """A process, started by this, and all that it starts.

    stdout, stderr: the pipes; stdin is at its end. status: None while the first process runs, then its
    exit status.
    """

    def __init__(self, command, folder, environment):
        """Start it. Raises EnvironmentError."""
        self.status = None
        self._suspended = []
        self._cpu_of = {}
        self._bystanders = set(
            _processes(None)
        )  # in the launcher's job, if there is one: the launcher, ourselves
        self._bystanders.add(os.getpid())
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=_CREATE_SUSPENDED | _CREATE_NO_WINDOW,
        )
        self._process.stdin.close()  # nothing to read
        self.stdout, self.stderr = self._process.stdout, self._process.stderr
        handle = int(self._process._handle)
        self._job = _own_job(handle)
        _nt_resume(handle)

    def poll(self):
        """Return the status of the first process, None while it runs."""
        if self.status is None and self._process.poll() is not None:
            self.status = self._process.returncode & 0xFFFFFFFF  # Python 2.5 has it signed
        return self.status

    def cpu_time(self):
        """Return the CPU seconds of the whole tree so far, also of ended processes if we have seen them."""
        for pid in self._members():
            handle = _open_process(_PROCESS_RIGHTS, 0, pid)
            if handle:
                self._cpu_of[pid] = max(self._cpu_of.get(pid, 0.0), _cpu_time(handle))
                _close_handle(handle)
        if self.status is not None:
            self._cpu_of[self._process.pid] = _cpu_time(int(self._process._handle))
        return sum(self._cpu_of.values())

    def suspend(self):
        """Stop all of it, within milliseconds."""
        seen = set()
        fresh = self._members()
        while fresh:  # one that was about to start another may have done so
            for pid in fresh:
                handle = _open_process(_PROCESS_RIGHTS, 0, pid)
                if handle:
                    _nt_suspend(handle)
                    self._suspended.append(handle)
            seen.update(fresh)
            fresh = [pid for pid in self._members() if pid not in seen]

    def resume(self):
        """Let it go on: those that we stopped, each once."""
        for handle in self._suspended:
            _nt_resume(handle)
            _close_handle(handle)
        self._suspended = []

    def kill(self, grace):
        """End all of it, at once: Windows has no way to ask a program without a window politely."""
        self.cpu_time()
        deadline = time.time() + _KILL_PATIENCE
        members = self._members()
        while members and time.time() < deadline:
            for pid in members:
                handle = _open_process(_PROCESS_RIGHTS, 0, pid)
                if handle:
                    _terminate(handle, _KILLED)
                    _close_handle(handle)
            time.sleep(0.01)
            members = self._members()
        self.poll()

    def _members(self):
        """Return the ids of all living processes of the tree."""
        members = set(_processes(self._job)) - self._bystanders
        if self.poll() is None:
            members.add(self._process.pid)
        return members


# Windows has no second way to start a process.
spawn = Tree


def _own_job(process):
    """Put a process into a new job that ends with us; return the job, None where jobs can't be nested."""
    job = _create_job(None, None)
    limits = _ExtendedLimits()
    limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
    _set_job(job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits))
    if not _assign(job, process):
        _close_handle(job)
        return None
    return job


def _processes(job):
    """Return the ids of the living processes in a job; None stands for the job that we are in ourselves."""
    room = 64
    while True:

        class IdList(ctypes.Structure):
            _fields_ = [("assigned", _DWORD), ("listed", _DWORD), ("ids", ctypes.c_size_t * room)]

        found = IdList()
        if _query_job(job, _BASIC_PROCESS_ID_LIST, ctypes.byref(found), ctypes.sizeof(found), None):
            return [int(pid) for pid in found.ids[: found.listed]]
        if ctypes.GetLastError() != _ERROR_MORE_DATA:
            return []
        room *= 4


def _cpu_time(process):
    """Return the CPU seconds of one process."""
    created, ended, kernel, user = [ctypes.c_ulonglong() for _ in range(4)]
    if not _process_times(process, *[ctypes.byref(time) for time in (created, ended, kernel, user)]):
        return 0.0
    return (kernel.value + user.value) / 1e7
