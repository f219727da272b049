"""Windows: a thread reads each pipe, so that the task never waits for us."""

import os
import threading
import time

from pymw_worker import background
from pymw_worker.tail import KEPT, PIECE, Tail


class Capture(object):
    """The last bytes that came out of a pipe.

    closed: whether everybody who could write to the pipe has closed it.
    """

    def __init__(self, pipe, kept=KEPT):
        self.closed = False
        self._pipe = pipe
        self._tail = Tail(kept)
        self._change = threading.Lock()
        self._thread = background.start(self._read)

    def finish(self, patience):
        """Wait until the pipe is closed, `patience` seconds at most; return (last bytes, bytes cut)."""
        self._thread.join(patience)
        self._change.acquire()
        try:
            return self._tail.read()
        finally:
            self._change.release()

    def join(self, seconds):
        """Wait so long, or until the pipe is closed."""
        self._thread.join(seconds)

    def _read(self):
        try:
            while True:
                piece = os.read(self._pipe.fileno(), PIECE)
                if not piece:
                    break
                self._keep(piece)
            self._pipe.close()
        except (EnvironmentError, ValueError):
            pass
        self.closed = True

    def _keep(self, piece):
        self._change.acquire()
        try:
            self._tail.add(piece)
        finally:
            self._change.release()


def wait(captures, seconds, alarm=None):
    """Wait so long, or until the first of the pipes that are open is closed. There are no alarms here."""
    for capture in captures:
        if not capture.closed:
            capture.join(seconds)
            return
    time.sleep(seconds)
