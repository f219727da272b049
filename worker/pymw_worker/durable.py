"""Writing files that are either the old or the new version in full, whenever the power fails."""

import binascii
import os
import sys
import time

from pymw_worker import text

TEMPORARY = ".pymw-tmp"
PATIENCE = 5.0  # seconds; antivirus programs hold freshly written files open for moments

_syncs = [True]

_WINDOWS = sys.platform == "win32"
_BUSY = (5, 32, 33)  # Windows: access denied, sharing violation, lock violation


def do_without_sync():
    """From now on, in this process and its forks, leave it to the system when bytes reach the disk.

    A file is still the old or the new version in full, unless the power fails.
    """
    _syncs[0] = False


def write_bytes(path, data):
    """Make `path` hold `data`. When it returns, the bytes are on the disk and have the name.

    Raises OSError or IOError.
    """
    write(path, lambda write_piece: write_piece(data))


def write(path, produce):
    """Make `path` hold the bytes with which produce(write_piece) calls write_piece.

    Written to a temporary name in the same folder, synced, renamed. Whatever `produce` raises leaves `path`
    as it was. Raises OSError or IOError.
    """
    temporary = "%s.%d-%s%s" % (path, os.getpid(), _random_digits(), TEMPORARY)
    try:
        stream = open(temporary, "wb")
        try:
            produce(stream.write)
            stream.flush()
            if _syncs[0]:
                os.fsync(stream.fileno())
        finally:
            stream.close()
        replace(temporary, path)
    except:
        _remove_quietly(temporary)
        raise


def replace(src, dst):
    """Rename `src` to `dst`, which may exist, atomically; `dst` then survives a power failure.

    On Windows a file that another program holds open is tried again for some seconds. Raises OSError.
    """
    deadline = time.time() + PATIENCE
    pause = 0.01
    while True:
        try:
            _rename(src, dst)
            break
        except OSError:
            error = sys.exc_info()[1]
            if getattr(error, "winerror", None) not in _BUSY or time.time() > deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 2, 0.5)
    _sync_folder(os.path.dirname(dst) or os.curdir)


def sweep(folder, prefix=""):
    """Remove the temporary files that a killed process has left in `folder`: those whose names begin so."""
    for name in os.listdir(folder):
        if name.startswith(prefix) and name.endswith(TEMPORARY):
            _remove_quietly(os.path.join(folder, name))


def _rename(src, dst):
    if hasattr(os, "replace"):
        os.replace(src, dst)  # novm: Python >= 3.3
    elif _WINDOWS:
        _move_file(src, dst)
    else:
        os.rename(src, dst)


def _move_file(src, dst):
    """os.replace for Python < 3.3 on Windows, whose os.rename refuses an existing target."""
    import ctypes

    replace_existing, write_through = 1, 8
    kernel = ctypes.windll.kernel32
    if not kernel.MoveFileExW(_wide(src), _wide(dst), replace_existing | write_through):
        code = kernel.GetLastError()
        raise WindowsError(code, "cannot rename %s to %s (Windows error %d)" % (src, dst, code))  # noqa: F821


def _wide(path):
    if isinstance(path, text.TEXT):
        return path
    return path.decode("mbcs")


def _sync_folder(folder):
    """Make the new name itself durable, where folders can be synced: not on Windows."""
    if _WINDOWS or not _syncs[0]:
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    os.close(handle)


def _random_digits():
    return str(binascii.hexlify(os.urandom(4)).decode("ascii"))  # str: Python 2 mixes no unicode into paths


def _remove_quietly(path):
    try:
        os.remove(path)
    except OSError:
        pass
