"""Unix: the client's shared memory, the slot's lock, and whether the client lives."""

import errno
import fcntl
import mmap
import os
import sys

MEMORY_FILE = "boinc_mmap_file"


def attach(folder, init_data):
    """Map the file that the client made. Raises EnvironmentError or ValueError if that can't be done.

    There is no such file if the app version lacks an api_version: the client thinks it too old for it.
    """
    if init_data.text("shm_key", "-1") not in ("-1", ""):
        raise ValueError(
            "the client offers only System V shared memory; the app version lacks an api_version"
        )
    descriptor = os.open(os.path.join(folder, MEMORY_FILE), os.O_RDWR)
    try:
        size = os.fstat(descriptor).st_size
        if size == 0:
            raise ValueError("%s is empty" % MEMORY_FILE)
        memory = mmap.mmap(descriptor, size)
        if hasattr(mmap, "MADV_DONTFORK"):  # novm: Python 3.8 on Linux
            memory.madvise(mmap.MADV_DONTFORK)  # novm: a task that is our fork has no business in it
        return memory
    finally:
        os.close(descriptor)


class Lock(object):
    """A lock on a file that the operating system drops when its holder dies."""

    def __init__(self, path):
        self._path = path
        self._descriptor = None

    def acquire(self):
        """Try once; return whether we have the lock now. Raises EnvironmentError if there can't be a file."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 436)  # 0664
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
            if _lock(descriptor) and _same_file(descriptor, self._path):
                self._descriptor, descriptor = descriptor, None
        finally:
            if descriptor is not None:
                os.close(descriptor)
        return self._descriptor is not None

    def release(self):
        """Delete the file, then let go, so that nobody can lock a file that is about to vanish."""
        if self._descriptor is not None:
            try:
                os.unlink(self._path)
            except OSError:
                pass
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor):
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except EnvironmentError:
        error = sys.exc_info()[1].errno
        if error in (errno.EACCES, errno.EAGAIN):
            return False
        if error not in (errno.ENOSYS, errno.ENOLCK):  # a file system without locks must not stop the work
            raise
    return True


def _same_file(descriptor, path):
    """False if the file was deleted by its last holder between our opening it and our locking it."""
    try:
        here, there = os.fstat(descriptor), os.stat(path)
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


class ClientProcess(object):
    """The client's process, by its id."""

    def __init__(self, pid):
        self._pid = pid
        self._is_parent = os.getppid() == pid

    def alive(self):
        """Return whether it lives. Its id may have gone to a stranger; who our parent is tells the truth."""
        if self._is_parent:
            return os.getppid() == self._pid
        try:
            os.kill(self._pid, 0)
        except OSError:
            return sys.exc_info()[1].errno != errno.ESRCH
        return True
