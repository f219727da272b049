"""Unix: reads what the task writes, while we wait for something anyway.

Without threads: a process that has some cannot be forked safely.
"""

import errno
import os
import select
import sys
import time

from pymw_worker.clock import Clock
from pymw_worker.tail import KEPT, PIECE, Tail

_FINEST = 0.001  # seconds; shorter waits are beyond poll(2)


class Capture(object):
    """The last bytes that came out of a pipe; they are read in `wait` and `finish`.

    closed: whether everybody who could write to the pipe has closed it.
    """

    def __init__(self, pipe, kept=KEPT):
        self.closed = False
        self.descriptor = pipe.fileno()
        self._pipe = pipe
        self._tail = Tail(kept)

    def finish(self, patience):
        """Wait until the pipe is closed, `patience` seconds at most; return (last bytes, bytes cut)."""
        if not self.closed:
            wait([self], patience)
        return self._tail.read()

    def read(self):
        """Take in what has come; to be called when something has."""
        try:
            piece = os.read(self.descriptor, PIECE)
        except EnvironmentError:
            piece = None
        if piece:
            self._tail.add(piece)
        else:
            self.closed = True
            self._pipe.close()


def wait(captures, seconds, alarm=None):
    """Read so long, or until the last pipe is closed, or there is something to read from `alarm`."""
    clock = Clock()
    deadline = clock.now() + seconds
    left = seconds
    open_before = [capture for capture in captures if not capture.closed]
    while left >= 0.0:
        still_open = [capture for capture in captures if not capture.closed]
        if open_before and not still_open:
            return
        ready = _ready([capture.descriptor for capture in still_open], left, alarm)
        for capture in still_open:
            if capture.descriptor in ready:
                capture.read()
        if alarm in ready:
            return
        left = deadline - clock.now()


def _ready(descriptors, seconds, alarm):
    """Return those of the descriptors, and of the alarm, that have something to read or have ended."""
    if seconds < _FINEST and not descriptors:
        time.sleep(seconds)
        seconds = 0.0
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    if alarm is not None:
        poll.register(alarm, select.POLLIN)
    try:
        return [descriptor for descriptor, _ in poll.poll(int(1000 * seconds + 0.5))]
    except select.error:  # Python < 3.5: a signal came
        if sys.exc_info()[1].args[0] != errno.EINTR:
            raise
        return []
