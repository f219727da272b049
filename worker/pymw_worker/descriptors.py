"""Unix: the open files of this process, by number."""

import fcntl
import os
import sys

_FOLDERS = {"linux": "/proc/self/fd", "darwin": "/dev/fd"}
_MOST = 4096  # where they can't be listed, nobody has opened more than that


def close_all_but(*kept):
    """Close what is open here: what we were started with by whoever knew no better, too."""
    for descriptor in _open_ones():
        if descriptor not in kept:
            close(descriptor)


def close(descriptor):
    """Close it, if it is open."""
    try:
        os.close(descriptor)
    except OSError:
        pass


def keep_from_children(descriptor):
    """Let no program that this process starts have it."""
    fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.fcntl(descriptor, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)


def _open_ones():
    for system, folder in _FOLDERS.items():
        if sys.platform.startswith(system):
            try:
                return [int(name) for name in os.listdir(folder)]
            except EnvironmentError:
                pass  # a chroot without /proc
    return range(min(_MOST, os.sysconf("SC_OPEN_MAX")))
