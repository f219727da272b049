"""A worker process of MulticoreInterface: how it is set up, and what it shares with its master."""

from __future__ import annotations

import contextlib
import faulthandler
import mmap
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pymw_worker
from pymw_worker import names, reporting

from pymw.pool.streams import LIMIT, Streams

IDLE = -1
NO_LIMIT = (1 << 62) - 1
STDOUT, STDERR = ".stdout", ".stderr"


class Note:
    """A few numbers in memory that a worker process shares with its master.

    position: which task the process is at, counted from its start; IDLE between batches. limit: the first
    task that it is not to begin. progress: how much of the task is done, by its own account. Both sides
    write single aligned words, so no reader meets half a number.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(mmap.PAGESIZE))
            self._open(path)
            self.position, self.limit, self.progress = IDLE, NO_LIMIT, 0.0
        else:
            self._open(path)

    def _open(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._numbers = memoryview(self._map).cast("q")
        self._fractions = memoryview(self._map).cast("d")

    @property
    def position(self) -> int:
        """Which task the process is at."""
        return self._numbers[0]

    @position.setter
    def position(self, position: int) -> None:
        self._numbers[0] = position

    @property
    def limit(self) -> int:
        """The first task that is not to be begun."""
        return self._numbers[1]

    @limit.setter
    def limit(self, limit: int) -> None:
        self._numbers[1] = limit

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return self._fractions[2]

    @progress.setter
    def progress(self, progress: float) -> None:
        self._fractions[2] = progress

    def close(self) -> None:
        """Let go of the memory."""
        self._numbers.release()
        self._fractions.release()
        self._map.close()


class Here:
    """What this worker process has been given. base: path of its files, less their endings."""

    def __init__(self, base: Path, life: Connection, news: Connection) -> None:
        self._life = life  # must stay open
        self.note = Note(base.with_suffix(".note"))
        self.news = news
        self.scratch = str(base)
        base.mkdir()
        self._files = [base.with_suffix(end).open("ab") for end in (STDOUT, STDERR)]
        faulthandler.enable(self._files[1])
        self.streams = Streams((self._files[0].fileno(), self._files[1].fileno()))

    def progress(self, fraction: float) -> None:
        """In the place of pymw_worker.progress."""
        clamped = reporting._clamped(float(fraction))
        if clamped is not None:
            self.note.progress = clamped


_here: list[Here] = []


def begin(base: str, life: Connection, news: Connection) -> None:
    """Set up this process, before its first batch.

    life: what reaches its end when the master is gone. news: takes results before their batch is over.
    """
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # Ctrl-C is for the master; and the task's own processes can be killed with us
    _die_with(life)
    os.environ.pop(names.SLOT_VARIABLE, None)
    here = Here(Path(base), life, news)
    reporting.progress = pymw_worker.progress = here.progress
    _here.append(here)


def here() -> Here:
    """What `begin` was given."""
    return _here[0]


def last_words(base: Path) -> tuple[str, str]:
    """What the task that a dead process was at had written to stdout and stderr."""
    found = []
    for end in (STDOUT, STDERR):
        try:
            found.append(base.with_suffix(end).read_bytes()[-LIMIT:].decode("utf-8", "replace"))
        except OSError:
            found.append("")
    return found[0], found[1]


def _die_with(life: Connection) -> None:
    """End with the master, however it ends."""
    if sys.platform == "linux":
        # The kernel kills the whole group, even while C code runs that never lets a thread of ours run.
        import fcntl  # noqa: PLC0415

        handle = life.fileno()
        fcntl.fcntl(handle, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(handle, fcntl.F_GETFL)
        fcntl.fcntl(handle, fcntl.F_SETFL, flags | os.O_ASYNC)
        if life.poll():  # it was gone before the kernel watched
            os.killpg(0, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(life,), name="pymw watches its master", daemon=True).start()


def _watch(life: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        life.recv_bytes()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
