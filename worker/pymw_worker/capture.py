"""Reads what the task writes to stdout and stderr, without end, and keeps the last of it."""

import os
import threading
from collections import deque

KEPT = 1 << 20  # bytes of each stream
_PIECE = 1 << 16


class Capture(object):
    """The last bytes that came out of a pipe. A thread reads it, so that the task never waits for us.

    closed: whether everybody who could write to the pipe has closed it.
    """

    def __init__(self, pipe, kept=KEPT):
        self.closed = False
        self._pipe = pipe
        self._kept = kept
        self._pieces = deque()
        self._size = 0
        self._total = 0
        self._change = threading.Lock()
        self._thread = threading.Thread(target=self._read)
        if hasattr(self._thread, "daemon"):
            self._thread.daemon = True
        else:  # Python 2.5
            self._thread.setDaemon(True)
        self._thread.start()

    def wait(self, seconds):
        """Wait so long, or until the pipe is closed."""
        self._thread.join(seconds)

    def finish(self, patience):
        """Wait until the pipe is closed, `patience` seconds at most; return (last bytes, bytes cut)."""
        self._thread.join(patience)
        self._change.acquire()
        try:
            data = "".encode("ascii").join(self._pieces)[-self._kept :]
            return data, self._total - len(data)
        finally:
            self._change.release()

    def _read(self):
        try:
            while True:
                piece = os.read(self._pipe.fileno(), _PIECE)
                if not piece:
                    break
                self._keep(piece)
        except (EnvironmentError, ValueError):
            pass
        self.closed = True

    def _keep(self, piece):
        self._change.acquire()
        try:
            self._pieces.append(piece)
            self._size += len(piece)
            self._total += len(piece)
            while self._size - len(self._pieces[0]) >= self._kept:
                self._size -= len(self._pieces.popleft())
        finally:
            self._change.release()
