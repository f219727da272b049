"""Attaches to the memory that the client shares with the application."""

import os
import sys

from pymw_worker.boinc.channels import TOTAL

if os.name == "nt":
    from pymw_worker.boinc import on_windows as host
else:
    from pymw_worker.boinc import on_posix as host


class NoSharedMemory(Exception):
    """There is none, or it is not what a client makes.

    The job is done all the same, without talking to the client.
    """


def attach(folder, init_data):
    """Return the client's shared memory, something of 8192 bytes or more that is read and assigned by slices.

    Raises NoSharedMemory with the reason.
    """
    try:
        memory = host.attach(folder, init_data)
    except (EnvironmentError, ValueError, ImportError, AttributeError):
        raise NoSharedMemory(str(sys.exc_info()[1]))
    if len(memory) < TOTAL:
        raise NoSharedMemory("it has %d bytes and not %d" % (len(memory), TOTAL))
    return memory
