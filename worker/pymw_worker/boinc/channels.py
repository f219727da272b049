"""The channels through which client and application talk: text in memory that both share (lib/app_ipc.h)."""

SIZE = 1024
TOTAL = 8 * SIZE
LONGEST = SIZE - 2  # bytes of text; one byte is the flag, one the NUL that ends the text

CONTROL = 0 * SIZE
HEARTBEAT = 4 * SIZE
STATUS = 5 * SIZE

_EMPTY = "\0".encode("ascii")
_FULL = "\1".encode("ascii")
_NUL = "\0".encode("ascii")


class Channel(object):
    """One direction between one writer and one reader: a flag (full or not), then text that a NUL ends.

    `memory` is anything of at least 8192 bytes that can be read and assigned by slices. There are no locks:
    the writer writes the flag last, the reader clears it last.
    """

    def __init__(self, memory, offset):
        self._memory = memory
        self._flag = slice(offset, offset + 1)
        self._text = slice(offset + 1, offset + SIZE)
        self._start = offset + 1

    def receive(self):
        """Return the text that waits as str, and make room for the next; None if there is none."""
        if self._memory[self._flag] == _EMPTY:
            return None
        text = self._memory[self._text].split(_NUL, 1)[0].decode("latin-1")
        self._memory[self._flag] = _EMPTY
        return text

    def send(self, text):
        """Write the text (ASCII) if the reader has taken the last one.

        Returns whether it did; False is not an error.
        """
        if self._memory[self._flag] != _EMPTY:
            return False
        data = text.encode("ascii")[:LONGEST] + _NUL
        self._memory[slice(self._start, self._start + len(data))] = data
        self._memory[self._flag] = _FULL
        return True
