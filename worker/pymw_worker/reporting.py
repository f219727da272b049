"""The task's progress: one number in a file of the slot folder, from the task to the supervisor."""

import os
import time

from pymw_worker import names

INTERVAL = 0.5  # seconds; the client is told once a second

_last = [None]


def progress(fraction):
    """Tell the volunteer's BOINC client how much of the task is done, from 0 to 1.

    Cheap: it may be called a million times, and writes twice a second at most. Numbers out of range are
    clamped, NaN is ignored. Outside a worker it does nothing. Raises TypeError or ValueError for what is no
    number.
    """
    fraction = _clamped(float(fraction))
    now = time.time()
    if fraction is None or (_last[0] is not None and 0 <= now - _last[0] < INTERVAL):
        return
    _last[0] = now
    slot = os.environ.get(names.SLOT_VARIABLE)
    if slot:
        _write(os.path.join(slot, names.PROGRESS), fraction)


def read_progress(path):
    """The number in a progress file, or None if there is none."""
    try:
        stream = open(path)
        try:
            return _clamped(float(stream.read(32)))
        finally:
            stream.close()
    except (IOError, OSError, ValueError):
        return None


def _clamped(fraction):
    """The number, moved into 0...1; None for NaN."""
    if fraction != fraction:
        return None
    return min(max(fraction, 0.0), 1.0)


def _write(path, fraction):
    """Rewrite the file in place: the same length, in one call, so that no reader meets half a number."""
    line = ("%.6f\n" % fraction).encode("ascii")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 438)  # mode 0666
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
    except OSError:  # a full disk must not end the task: the next call tries again
        pass
