"""One worker of MulticoreInterface: a process of loky's, which is replaced when it dies, and its batches."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future as EngineFuture
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pymw_worker.process import describe

from pymw.interfaces.base import Task
from pymw.interfaces.scratch import Scratch
from pymw.pool import batch as pool_batch
from pymw.pool import process as pool_process
from pymw.pool.process import NO_LIMIT, Note

_GRACE = 5.0  # seconds for a process that has nothing to do to end by itself, or for a killed one to be gone


class Entry:
    """A task that the interface has. batch: the one that it is in, None while it waits."""

    __slots__ = ("batch", "order", "position", "task", "told", "wanted")

    def __init__(self, task: Task, number: int) -> None:
        self.task = task
        self.order = (-task.options.priority, number)
        self.batch: Batch | None = None
        self.position = -1
        self.told = False  # whether the listener knows that it has begun
        self.wanted = True

    def __lt__(self, other: Entry) -> bool:
        return self.order < other.order


class Batch:
    """Tasks that were sent together. first: position of the first. seconds: what they will take."""

    def __init__(self, seat: Seat, first: int, entries: list[Entry], seconds: float) -> None:
        self.seat = seat
        self.first = first
        self.entries = entries
        self.seconds = seconds
        for position, entry in enumerate(entries, first):
            entry.batch, entry.position, entry.told = self, position, False

    def mine(self) -> list[Entry]:
        """The tasks that are still this batch's to do."""
        return [entry for entry in self.entries if entry.batch is self]


class Seat:
    """A worker: stable, while processes come and go. Its users hold a lock, but for `hear`."""

    def __init__(self, number: int, scratch: Scratch, environment: dict[str, str]) -> None:
        self.name = f"worker {number}"
        self.batches: list[Batch] = []
        self.limited = False
        self.seen = (-1, 0.0)  # position, and since when
        self.failures = 0  # processes that ended without beginning a task, in a row
        self._number = number
        self._scratch = scratch
        self._environment = environment
        self._lives = 0
        self._next = 0  # position of the next task; goes on from one process to the next
        self.hearing = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.note: Note | None = None
        self.news: Connection | None = None
        self.process: Any = None
        self.facts: dict[str, str] = {}
        self._life: Connection | None = None
        self._executor: Any = None
        self._calls: Any = None
        self._known: set[str] = set()

    @property
    def alive(self) -> bool:
        """Whether it has a process."""
        return self._executor is not None

    @property
    def base(self) -> Path:
        """Path of the files that it shares with its process, less their endings."""
        return self._scratch.folder / f"{self._number}-{self._lives}"

    def start(self) -> None:
        """Start a process. Raises OSError, RuntimeError and what else loky raises."""
        from loky.process_executor import ProcessPoolExecutor  # noqa: PLC0415

        self._lives += 1
        self.note = Note(self.base.with_suffix(".note"))
        life, self._life = Pipe(duplex=False)
        self.news, news = Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            1,
            initializer=pool_process.begin,
            initargs=(str(self.base), life, news),
            env=self._environment,
        )
        self._calls = self._executor._call_queue
        try:
            self._executor.submit(int)  # starts it
        finally:
            life.close()
            news.close()
        self.process = next(iter(self._executor._processes.values()))

    def send(self, entries: list[Entry], seconds: float, done: Callable[[Batch, Any], None]) -> None:
        """Give it a batch; done(batch, future of loky's) is called in another thread, or at once.

        Raises what loky raises, such as BrokenProcessPool.
        """
        batch = Batch(self, self._next, entries, seconds)
        self._next += len(entries)
        bundles, tasks = {}, []
        for entry in entries:
            code = entry.task.bundle
            assert code is not None
            if code.digest not in self._known:
                bundles[code.digest] = code.data
            tasks.append((code.digest, entry.task.call))
        self.batches.append(batch)
        try:
            payload = pickle.dumps((batch.first, bundles, tasks), pickle.HIGHEST_PROTOCOL)
            future: EngineFuture[bytes] = self._executor.submit(pool_batch.run, payload)
        except BaseException:
            self.batches.remove(batch)
            raise
        self._known.update(bundles)
        future.add_done_callback(lambda future: done(batch, future))

    def resend_code(self) -> None:
        """The process has forgotten functions."""
        self._known.clear()

    def current(self) -> Entry | None:
        """The task that the process is at."""
        position = self.note.position if self.note is not None else -1
        for batch in self.batches:
            if batch.first <= position < batch.first + len(batch.entries):
                return batch.entries[position - batch.first]
        return None

    def limit(self, position: int) -> None:
        """Let the process begin no task from this position on, until it has given back all its batches."""
        assert self.note is not None
        self.limited = True
        self.note.limit = position

    def unlimit(self) -> None:
        """Everything has come back."""
        if self.limited and self.note is not None:
            self.limited = False
            self.note.limit = NO_LIMIT

    @property
    def hurry(self) -> bool:
        """Whether somebody waits to hear that its task begins, to measure a time limit."""
        return any(entry.task.options.timeout and not entry.told for b in self.batches for entry in b.entries)

    def hear(self) -> list[tuple[int, list[Any]]]:
        """Reports that came before their batch was over: pairs of the first's position and reports.

        With `hearing` held, until they are dealt with.
        """
        found: list[tuple[int, list[Any]]] = []
        news = self.news
        try:
            while news is not None and news.poll():
                found.append(pickle.loads(news.recv_bytes()))
        except (EOFError, OSError):
            self.news = None
        return found

    def kill(self) -> None:
        """End the process and those that its task has started, at once."""
        if self.process is not None:
            self.kill_group()
            self._kill_process()

    def kill_group(self) -> None:
        """End the processes that the task has started."""
        if hasattr(os, "killpg"):
            # There may be none, or the process has not made its group yet.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _kill_process(self) -> None:
        if self.process.exitcode is not None:
            return
        if hasattr(signal, "SIGKILL"):
            with suppress(ProcessLookupError):  # another thread has just seen its end
                os.kill(self.process.pid, signal.SIGKILL)
        else:
            self.process.terminate()

    def gone(self) -> str:
        """Say how the process ended, once it has; ends what it left behind."""
        if self.process is None:
            return "could not be started"
        self.process.join(_GRACE)
        status = self.process.exitcode
        self.kill()
        return describe(status) if status is not None else "does not answer"

    def end(self) -> None:
        """Let the process end; kill it if it does not do so soon."""
        if self._executor is None:
            return
        thread = self._executor._executor_manager_thread
        self._executor.shutdown(wait=False)
        self.process.join(_GRACE)
        self.kill()
        self.let_go()
        if thread is not None:
            thread.join(_GRACE)
        self.clear()

    def let_go(self) -> None:
        """Keep loky from waiting for what a process that has ended will not do any more."""
        self._calls._reader.close()  # else what is being sent waits for ever for somebody to read it
        if self._executor._flags.broken is not None:  # else it has yet to see, by these, that it is
            self._executor._processes.clear()  # it would look for children

    def clear(self) -> Any:
        """Forget the process that has ended, and its batches. Returns loky's executor, to be shut down."""
        executor = self._executor
        if executor is not None:
            self.let_go()
        for open_one in (self.note, self._life):
            if open_one is not None:
                open_one.close()
        self._forget()  # a thread may just read the news: the last one to let go closes them
        self.batches = []
        self.limited = False
        for left in self._scratch.folder.glob(self.base.name + "*"):
            _remove(left)
        return executor


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
