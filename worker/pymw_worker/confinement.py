"""What the task's own process gives up before it looks at the bundle, as far as the system can."""

import os
import sys

from pymw_worker.boinc import init_data

try:
    import resource
except ImportError:  # Windows
    resource = None

# The client's own user alone. On a Mac the client may be another user, of the same group.
_UMASK = 63  # 0077, in a spelling of all Pythons
_UMASK_OF_MACOS = 7


def apply(slot):
    """Confine this process and all that it will start. slot: absolute path of the slot folder.

    No core files: they hold everything that the task had in memory. Under a client also: what the task writes
    is nobody else's to read, and none of its files becomes larger than the job may use of the disk, for which
    the client would end it.
    """
    _limit("RLIMIT_CORE", 0)
    try:
        data = init_data.read(slot)
    except init_data.Unreadable:
        return
    if data is None:
        return
    os.umask(sys.platform == "darwin" and _UMASK_OF_MACOS or _UMASK)
    disk = data.integer("rsc_disk_bound")
    if disk > 0:
        _limit("RLIMIT_FSIZE", disk)


def _limit(name, value):
    """Lower a limit for good; it stays as it is if that is lower."""
    try:
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(number, (value, value))
    except (AttributeError, ValueError, EnvironmentError, OverflowError):
        pass  # not on this system, or larger than it can count
    except Exception:
        if sys.exc_info()[0].__name__ != "error":  # Python 2's resource.error
            raise
