"""Tasks on the cores of this computer, in processes that loky starts."""

from __future__ import annotations

import heapq
import os
import pickle
import sys
import threading
import weakref
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.errors import InterfaceError
from pymw.interfaces.base import Interface, Listener, Task
from pymw.interfaces.pace import BATCH, SHORT, Pace
from pymw.interfaces.scratch import Scratch
from pymw.interfaces.seat import Batch, Entry, Seat
from pymw.interfaces.watch import Watch
from pymw.pool import call as pool_call
from pymw.pool.process import last_words

_TRIES = 3  # processes that may end, one after another, before one has begun a task
_REMEDY = "free memory, raise the limit on processes (ulimit -u), or use fewer workers"

Reports = list[tuple[Task, Ending]]


class MulticoreInterface(Interface):
    """Runs tasks in worker processes of this computer.

    A process that dies takes its one task with it; what else it had is run by others. Tasks that prove to be
    short are sent many at a time.
    """

    def __init__(self, num_workers: int | None = None, python_loc: str | None = None) -> None:
        """num_workers: None for one a core that this process may use.

        python_loc: as the original's; only this very Python can be given. Raises InterfaceError.
        """
        if num_workers is not None and num_workers < 1:
            raise InterfaceError(f"the number of workers is {num_workers}: it must be 1 or more")
        if python_loc and Path(python_loc).resolve() != Path(sys.executable).resolve():
            raise InterfaceError(
                f"the multicore interface runs tasks by this Python, {sys.executable}, not by {python_loc}: "
                "the generic interface takes another one"
            )
        self.num_workers = num_workers or _cores()
        self.chunk_width = self.num_workers
        self._pace = Pace()
        self.lock = threading.RLock()
        self._numbers = count()
        self._entries: dict[Task, Entry] = {}
        self._backlog: list[Entry] = []
        self._waiting = 0  # those of the backlog that are still wanted
        self._closed = False
        self._ending: list[Any] = []  # executors of loky's whose process has died
        self._scratch = Scratch()
        variables = _environment(self.num_workers)
        self.seats = [Seat(n, self._scratch, variables) for n in range(1, self.num_workers + 1)]
        self._watch = Watch(self)

    # What the dispatcher asks.

    def open(self, listener: Listener) -> None:
        """Begin to serve; processes start with the first tasks."""
        if self._closed:
            raise InterfaceError("this interface has been closed: make a new one")
        super().open(listener)

    def room(self) -> int:
        """As many tasks as are likely to fill the workers' batches."""
        with self.lock:
            free = sum(self._free(seat) for seat in self.seats)
            return max(0, free * self._pace.typical - self._waiting) if not self._closed else 0

    def start(self, tasks: list[Task]) -> None:
        """Queue these tasks, and send what the workers can take."""
        with self.lock:
            for task in tasks:
                entry = self._entries[task] = Entry(task, next(self._numbers))
                self._put(entry)
        self.feed()

    def cancel(self, task: Task) -> None:
        """Drop a task; if it runs, its process is killed and replaced."""
        with self.lock:
            entry = self._entries.pop(task, None)
            if entry is None:
                return
            entry.wanted = False
            if entry.batch is None:
                self._waiting -= 1
            elif entry.batch.seat.current() is entry:
                entry.batch.seat.kill()

    def progress(self, task: Task) -> float:
        """What the running task says (pymw_worker.progress)."""
        with self.lock:
            entry = self._entries.get(task)
            seat = entry.batch.seat if entry is not None and entry.batch is not None else None
            running = seat is not None and seat.note is not None and seat.current() is entry
            return seat.note.progress if running else 0.0  # type: ignore[union-attr]

    def get_available_workers(self) -> list[str]:
        """The names of the workers that have nothing to do."""
        with self.lock:
            return [seat.name for seat in self.seats if not seat.batches]

    def get_status(self) -> dict[str, Any]:
        """The original's num_total_workers and num_active_workers, and the processes' ids."""
        with self.lock:
            return {
                "num_total_workers": self.num_workers,
                "num_active_workers": sum(1 for seat in self.seats if seat.batches),
                "processes": [seat.process.pid for seat in self.seats if seat.process is not None],
            }

    def close(self) -> None:
        """Kill the processes that have a task, end the others, remove all files."""
        with self.lock:
            already, self._closed = self._closed, True
            self._entries.clear()
            self._backlog.clear()
            for seat in self.seats:
                if seat.batches:
                    seat.kill()
        if already:
            return
        self._watch.stop()
        for seat in self.seats:
            seat.end()
        for executor in self._ending:
            executor.shutdown(wait=True)
        self._scratch.remove()

    # Sending.

    def _put(self, entry: Entry) -> None:
        entry.batch = None
        self._waiting += 1
        heapq.heappush(self._backlog, entry)

    def _free(self, seat: Seat) -> int:
        """How many batches a worker can take: a second one if the first is short, so that it never idles."""
        if seat.limited or len(seat.batches) > 1:
            return 0
        if not seat.batches:
            return 2 if self._pace.typical > 1 else 1
        return 1 if seat.batches[0].seconds <= SHORT else 0

    def feed(self) -> None:
        """Send what the workers can take."""
        refused: Reports = []
        with self.lock:
            going = not self._closed
            while going and self._waiting:
                going = False
                for seat in sorted(self.seats, key=lambda seat: len(seat.batches)):
                    if self._free(seat) and (entries := self._next_batch(seat)):
                        going = True
                        refused += self._send(seat, entries)
        if refused:
            self.listener.ended(refused)

    def _next_batch(self, seat: Seat) -> list[Entry]:
        """Take from the backlog what this worker is to do next."""
        chosen: list[Entry] = []
        others: list[Entry] = []  # those that have to wait for another worker
        share = max(1, self._waiting // self.num_workers)  # the last tasks are spread evenly
        seconds = 0.0
        while self._backlog and len(chosen) < min(share, self._pace.most()):
            entry = heapq.heappop(self._backlog)
            if not entry.wanted:
                continue
            took = self._seconds(entry)
            alone = took is None
            if entry.task.worker not in (None, seat.name) or (
                entry.task.options.timeout is not None and seat.batches
            ):
                others.append(entry)
            elif chosen and (alone or seconds + took > BATCH):  # type: ignore[operator]
                others.append(entry)
                break
            else:
                chosen.append(entry)
                seconds += took or 0.0
                if alone:
                    break
        for entry in others:
            heapq.heappush(self._backlog, entry)
        self._waiting -= len(chosen)
        return chosen

    def _seconds(self, entry: Entry) -> float | None:
        """How long a task will take; None if nobody knows, or it has a limit and must not wait for others."""
        if entry.task.options.timeout is not None or entry.task.bundle is None:
            return None
        return self._pace.seconds(entry.task.bundle.digest)

    def _send(self, seat: Seat, entries: list[Entry]) -> Reports:
        """Send a batch, to a new process if there is none. Returns reports of what cannot be sent."""
        times = [self._seconds(entry) for entry in entries]
        seconds = sum(SHORT + 1 if took is None else took for took in times)
        try:
            if not seat.alive:
                seat.start()
                _close_before_loky(self)
            seat.send(entries, seconds, self._done)
        except Exception as error:
            return self._failed(seat, entries, error)
        self._watch.wake(seat.hurry)
        return []

    def _failed(self, seat: Seat, entries: list[Entry], error: Exception) -> Reports:
        """A process could not be started, or it has died."""
        if seat.batches:  # _died is about to be told, and deals with them
            for entry in entries:
                self._put(entry)
            return []
        how = seat.gone()
        self._retire(seat)
        seat.failures += 1
        for entry in entries:
            self._put(entry)
        return self._refuse(f"{how} ({error})", error) if seat.failures >= _TRIES else []

    def _refuse(self, why: str, error: BaseException | None) -> Reports:
        """End all tasks that wait, as no process can be had."""
        for seat in self.seats:
            seat.failures = 0
        lost = [entry for entry in self._backlog if entry.wanted]
        self._backlog.clear()
        self._waiting = 0
        for entry in lost:
            self._entries.pop(entry.task, None)
        words = f"no worker process can be kept running: the last one {why}; {_REMEDY}"
        failure = InterfaceError(words, str(error or ""))
        return [(entry.task, Ending(ending.REFUSED, message=words, error=failure)) for entry in lost]

    def _retire(self, seat: Seat) -> None:
        executor = seat.clear()
        if executor is not None:
            executor.shutdown(wait=False)

    # Receiving.

    def _done(self, batch: Batch, future: Any) -> None:
        """Called by loky in a thread of its own: a batch has come back, or its process has died."""
        if future.exception() is not None:
            self._died(batch, future.exception())
            return
        first, reports, facts, missing = pickle.loads(future.result())
        if first > batch.first:
            self.listen(batch.seat)  # what came early comes first
        with self.lock:
            seat = batch.seat
            if facts is not None:
                seat.facts = facts
            if missing:
                seat.resend_code()
            seat.failures = 0
            found = self._take(seat, first, reports)
            if batch in seat.batches:
                seat.batches.remove(batch)
            for entry in batch.mine():
                if entry.wanted:
                    self._put(entry)
            if not seat.batches:
                seat.unlimit()
        self.feed()
        self.listener.ended(found)

    def listen(self, seat: Seat) -> None:
        """Report what a worker has sent before its batch is over."""
        found: Reports = []
        with seat.hearing:
            for first, reports in seat.hear():
                with self.lock:
                    found += self._take(seat, first, reports)
        if found:
            self.listener.ended(found)

    def give_back(self, seat: Seat, position: int) -> None:
        """With the lock held: a worker will not begin its tasks from this position on; others may."""
        for batch in seat.batches:
            for entry in batch.mine():
                if entry.position >= position and entry.wanted:
                    self._put(entry)
        self._pace.typical = 1

    def _take(self, seat: Seat, first: int, reports: list[Any]) -> Reports:
        """With the lock held: the endings of a worker's tasks, from this position on."""
        entries = [entry for batch in seat.batches for entry in batch.entries if entry.position >= first]
        found: Reports = []
        digests = []
        for entry, report in zip(entries, reports):  # noqa: B905  the rest of them is still to be done
            digests.append(entry.task.bundle.digest if entry.task.bundle is not None else "")
            if entry.batch is not None and entry.batch.seat is seat and entry.position >= first:
                entry.batch = None
                if entry.wanted and self._entries.pop(entry.task, None) is entry:
                    entry.task.worker = seat.name
                    found.append((entry.task, pool_call.ending_of(report, seat.facts)))
        self._pace.learn(digests, reports[: len(digests)])
        return found

    def _died(self, batch: Batch, error: BaseException) -> None:
        """The process of a worker has ended: one task is to blame, the others are run again."""
        seat = batch.seat
        self.listen(seat)
        found: Reports = []
        with self.lock:
            if self._closed or batch not in seat.batches:  # one of them has told of it already
                return
            how = seat.gone()
            guilty = seat.current()
            words = last_words(seat.base)
            left = [entry for batch in seat.batches for entry in batch.mine()]
            self._ending.append(seat.clear())
            seat.failures = 0 if guilty is not None else seat.failures + 1
            for entry in left:
                if entry is guilty and entry.wanted:
                    self._entries.pop(entry.task, None)
                    found.append((entry.task, _death(entry.task, how, words)))
                elif entry.wanted:
                    self._put(entry)
            if seat.failures >= _TRIES:
                found += self._refuse(how, error)
        self.feed()
        self.listener.ended(found)


def _death(task: Task, how: str, words: tuple[str, str]) -> Ending:
    name = task.work.name if task.work is not None else "a task"
    message = f"the process that ran the task {name} {how}"
    return Ending(ending.DIED, message=message, stdout=words[0], stderr=words[1])


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _environment(workers: int) -> dict[str, str]:
    """What worker processes find in their environment."""
    threads = str(max(1, _cores() // workers))
    # Each process starting a thread a core would be slower than one thread each.
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    limits = {name: threads for name in pools if name not in os.environ}
    # loky would replace processes that keep data between tasks.
    return {**limits, "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18"}


def _close_before_loky(interface: MulticoreInterface) -> None:
    """At the program's end loky waits for its running tasks, however long: end them before it does."""
    register = getattr(threading, "_register_atexit", None)  # what concurrent.futures and loky use
    if register is not None:
        reference = weakref.ref(interface)

        def close() -> None:
            known = reference()
            if known is not None:
                known.close()

        with suppress(RuntimeError):  # the end has begun
            register(close)
