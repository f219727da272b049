"""Windows: the client's shared memory, the slot's lock, and whether the client lives.

mmap.mmap(-1, 8192, tagname=NAME) would make a mapping of its own if the client's is not there, and nobody
would notice.
"""

import ctypes

from pymw_worker.boinc.channels import TOTAL

_kernel32 = ctypes.windll.kernel32
_HANDLE = ctypes.c_void_p
_DWORD = ctypes.c_ulong
_INVALID_HANDLE = _HANDLE(-1).value

_FILE_MAP_ALL_ACCESS = 0x000F001F
_GENERIC_READ_WRITE = 0xC0000000
_OPEN_ALWAYS = 4
_FILE_FLAG_DELETE_ON_CLOSE = 0x04000000
_ERROR_ACCESS_DENIED = 5
_ERROR_SHARING_VIOLATION = 32
_SYNCHRONIZE = 0x00100000
_WAIT_OBJECT_0 = 0


def _declare(name, result, *arguments):
    function = getattr(_kernel32, name)
    function.restype = result
    function.argtypes = arguments
    return function


_open_file_mapping = _declare("OpenFileMappingW", _HANDLE, _DWORD, ctypes.c_int, ctypes.c_wchar_p)
_map_view_of_file = _declare("MapViewOfFile", _HANDLE, _HANDLE, _DWORD, _DWORD, _DWORD, ctypes.c_size_t)
_create_file = _declare(
    "CreateFileW", _HANDLE, ctypes.c_wchar_p, _DWORD, _DWORD, ctypes.c_void_p, _DWORD, _DWORD, _HANDLE
)
_open_process = _declare("OpenProcess", _HANDLE, _DWORD, ctypes.c_int, _DWORD)
_wait_for_single_object = _declare("WaitForSingleObject", _DWORD, _HANDLE, _DWORD)
_close_handle = _declare("CloseHandle", ctypes.c_int, _HANDLE)


def attach(folder, init_data):
    """Map the memory that the client named. Raises EnvironmentError or ValueError if that can't be done."""
    name = init_data.text("comm_obj_name")
    if not name:
        raise ValueError("the client gave it no name")
    for prefix in ("Global\\shm_", "shm_"):  # the first if the client runs as a service
        handle = _open_file_mapping(_FILE_MAP_ALL_ACCESS, 0, _wide(prefix + name))
        if handle:
            address = _map_view_of_file(handle, _FILE_MAP_ALL_ACCESS, 0, 0, TOTAL)
            if not address:
                raise ctypes.WinError()
            return (ctypes.c_char * TOTAL).from_address(address)
    raise ctypes.WinError()


class Lock(object):
    """A file that only one process can have open. It vanishes with its holder."""

    def __init__(self, path):
        self._path = path
        self._handle = None

    def acquire(self):
        """Try once; return whether we have the lock now. Raises EnvironmentError if there can't be a file."""
        nobody_else = 0
        handle = _create_file(
            _wide(self._path),
            _GENERIC_READ_WRITE,
            nobody_else,
            None,
            _OPEN_ALWAYS,
            _FILE_FLAG_DELETE_ON_CLOSE,
            None,
        )
        if handle in (None, _INVALID_HANDLE):
            error = ctypes.GetLastError()
            if error in (_ERROR_SHARING_VIOLATION, _ERROR_ACCESS_DENIED):
                return False
            raise ctypes.WinError(error)
        self._handle = handle
        return True

    def release(self):
        """Let go, which deletes the file."""
        if self._handle is not None:
            _close_handle(self._handle)
            self._handle = None


class ClientProcess(object):
    """The client's process. As long as we hold a handle of it, Windows gives its id to nobody else."""

    def __init__(self, pid):
        self._handle = _open_process(_SYNCHRONIZE, 0, pid)
        self._forbidden = not self._handle and ctypes.GetLastError() == _ERROR_ACCESS_DENIED

    def alive(self):
        """Return whether it lives. A process that we may not look at lives, as far as we know."""
        if not self._handle:
            return self._forbidden
        return _wait_for_single_object(self._handle, 0) != _WAIT_OBJECT_0


def _wide(text):
    """Return text as Windows' wide functions want it: on Python 2, str holds bytes of the ANSI code page."""
    if hasattr(text, "decode"):
        return text.decode("mbcs")
    return text
