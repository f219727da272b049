"""Lines as BOINC's own daemons write them: `2026-11-25 04:00:00.1234 [CRITICAL] text`, on stderr."""

from __future__ import annotations

import contextlib
import time
from enum import IntEnum
from typing import TextIO


class Level(IntEnum):
    """Of a message, and up to which a daemon says them (-d)."""

    CRITICAL = 1
    WARNING = 2
    NORMAL = 3
    DEBUG = 4


_KINDS = {
    Level.CRITICAL: "[CRITICAL]",
    Level.WARNING: "[warning]",
    Level.NORMAL: "",
    Level.DEBUG: "[debug]",
}


class Log:
    """Writes messages up to a level."""

    def __init__(self, stream: TextIO, level: int = Level.NORMAL) -> None:
        self._stream = stream
        self._level = level
        self._troubles: dict[str, str] = {}

    def say(self, level: Level, text: str) -> None:
        """Write a message of one line, whatever is in it."""
        if level > self._level:
            return
        now = time.time()
        moment = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))}.{int(now * 10_000) % 10_000:04d}"
        text = "".join(each if each.isprintable() else "?" for each in text)
        # Also a full disk under the log must not stop the daemon.
        with contextlib.suppress(OSError):
            print(f"{moment} {_KINDS[level]} {text}", file=self._stream, flush=True)

    def trouble(self, what: str, sentence: str) -> None:
        """Say what is wrong with something, but not again while it stays so."""
        if self._troubles.get(what) != sentence:
            self._troubles[what] = sentence
            self.say(Level.CRITICAL, sentence)

    def well(self, what: str) -> None:
        """It is all right: say so, if it was not."""
        if self._troubles.pop(what, None) is not None:
            self.say(Level.NORMAL, f"{what}: all right again")
