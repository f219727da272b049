"""What a task prints: kept apart for each task, the last of it."""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from typing import TextIO

LIMIT = 1 << 20  # bytes that are kept of each stream


class Tail(io.RawIOBase):
    """Keeps the last of what is written. spill: a file descriptor that gets it too, None for none.

    What is spilled outlives the process, so that the last words of a task that dies can be read.
    """

    def __init__(self, real: int, spill: int | None = None) -> None:
        super().__init__()
        self._real = real
        self._spill = spill
        self._spilled = 0
        self._pieces: deque[bytes] = deque()
        self.size = 0

    def writable(self) -> bool:
        """A stream to write to."""
        return True

    def fileno(self) -> int:
        """The process's own stream, for subprocesses, whose output is not kept."""
        return self._real

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Keep the bytes; forget the oldest if there are too many."""
        piece = bytes(data)
        self._pieces.append(piece)
        self.size += len(piece)
        while self.size - len(self._pieces[0]) >= LIMIT:
            self.size -= len(self._pieces.popleft())
        if self._spill is not None:
            self._write_through(piece[-LIMIT:])
        return len(piece)

    def _write_through(self, piece: bytes) -> None:
        try:
            if self._spilled + len(piece) > LIMIT:
                os.ftruncate(self._spill, 0)  # type: ignore[arg-type]
                self._spilled = 0
            self._spilled += os.write(self._spill, piece)  # type: ignore[arg-type]
        except OSError:  # a full disk must not end the task
            pass

    def take(self) -> str:
        """What was written since the last time, as text."""
        data = b"".join(self._pieces)[-LIMIT:]
        self._pieces.clear()
        self.size = 0
        if self._spill is not None:
            os.ftruncate(self._spill, 0)
            self._spilled = 0
        return data.decode("utf-8", "replace")


class Streams:
    """Takes the place of sys.stdout and sys.stderr; tells what each task has written there."""

    def __init__(self, spills: tuple[int | None, int | None] = (None, None)) -> None:
        self._tails = [Tail(number, spill) for number, spill in zip((1, 2), spills, strict=True)]
        self._texts = [_text(tail) for tail in self._tails]
        self.install()

    def install(self) -> None:
        """Take the place; again before each task, as one may have put something else there."""
        sys.stdout, sys.stderr = self._texts

    def take(self) -> tuple[str, str]:
        """stdout and stderr since the last time."""
        first, second = self._tails
        return (first.take() if first.size else ""), (second.take() if second.size else "")


def _text(tail: Tail) -> TextIO:
    """Unbuffered, so that nothing is lost when the process dies; never an error for a character."""
    return io.TextIOWrapper(
        tail,  # type: ignore[type-var]
        encoding="utf-8",
        errors="backslashreplace",
        newline="\n",
        write_through=True,
    )
