"""The last bytes of a stream, and how many there were before them."""

from collections import deque

KEPT = 1 << 20  # bytes of each stream
PIECE = 1 << 16


class Tail(object):
    """Keeps what was added last."""

    def __init__(self, kept=KEPT):
        self._kept = kept
        self._pieces = deque()
        self._size = 0
        self._total = 0

    def add(self, piece):
        """Take in some more bytes."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._total += len(piece)
        while self._size - len(self._pieces[0]) >= self._kept:
            self._size -= len(self._pieces.popleft())

    def read(self):
        """Return (last bytes, number of bytes cut before them)."""
        data = "".encode("ascii").join(self._pieces)[-self._kept :]
        return data, self._total - len(data)
