"""The workers of MulticoreInterface together: who does what next, and what becomes of it."""

from __future__ import annotations

import heapq
import pickle
import threading
import weakref
from contextlib import suppress
from itertools import count
from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.errors import InterfaceError
from pymw.interfaces.base import Listener, Task
from pymw.interfaces.pace import BATCH, SHORT, Pace
from pymw.interfaces.scratch import Scratch
from pymw.interfaces.seat import Batch, Entry, Seat
from pymw.interfaces.watch import Watch
from pymw.pool import call as pool_call
from pymw.pool.process import last_words

_TRIES = 3  # processes that may end, one after another, before one has begun a task
_REMEDY = "free memory, raise the limit on processes (ulimit -u), or use fewer workers"

Reports = list[tuple[Task, Ending]]


class Crew:
    """Gives tasks to workers in batches, and their endings to the listener.

    seats: the workers. lock: guards all that is here, and the seats; nobody holds it while the listener is
    told something. entries: the tasks that are not over. waiting: how many of them are in no batch.
    """

    def __init__(self, workers: int, environment: dict[str, str]) -> None:
        self.listener: Listener
        self.lock = threading.RLock()
        self.scratch = Scratch()
        self.seats = [Seat(number, self.scratch, environment) for number in range(1, workers + 1)]
        self.pace = Pace()
        self.entries: dict[Task, Entry] = {}
        self.waiting = 0
        self.closed = False
        self._backlog: list[Entry] = []  # a heap; those that are not wanted any more stay until their turn
        self._numbers = count()
        self._ending: list[Any] = []  # executors of loky's whose process has died
        self._registered = False
        self._watch = Watch(self)

    def add(self, tasks: list[Task]) -> None:
        """Queue tasks, and send what the workers can take."""
        with self.lock:
            for task in tasks:
                entry = self.entries[task] = Entry(task, next(self._numbers))
                self._put(entry)
        self.feed()

    def drop(self, task: Task) -> None:
        """Forget a task; if it runs, its process is killed, and replaced when there is more to do."""
        with self.lock:
            entry = self.entries.pop(task, None)
            if entry is None:
                return
            entry.wanted = False
            if entry.batch is None:
                self.waiting -= 1
            elif entry.batch.seat.current() is entry:
                entry.batch.seat.kill()

    def close(self) -> None:
        """Kill the processes that have a task, end the others, remove all files."""
        with self.lock:
            already, self.closed = self.closed, True
            self.entries.clear()
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
        self.scratch.remove()

    # Sending.

    def _put(self, entry: Entry) -> None:
        entry.batch = None
        self.waiting += 1
        heapq.heappush(self._backlog, entry)

    def free(self, seat: Seat) -> int:
        """How many batches a worker can take: a second one if the first is short, so that it never idles."""
        if seat.limited or len(seat.batches) > 1:
            return 0
        if not seat.batches:
            return 2 if self.pace.typical > 1 else 1
        return 1 if seat.batches[0].seconds <= SHORT else 0

    def feed(self) -> None:
        """Send what the workers can take."""
        refused: Reports = []
        with self.lock:
            going = not self.closed
            while going and self.waiting:
                going = False
                for seat in sorted(self.seats, key=lambda seat: len(seat.batches)):
                    if self.free(seat) and (entries := self._next_batch(seat)):
                        going = True
                        refused += self._send(seat, entries)
        if refused:
            self.listener.ended(refused)

    def _next_batch(self, seat: Seat) -> list[Entry]:
        """Take from the backlog what this worker is to do next."""
        chosen: list[Entry] = []
        others: list[Entry] = []  # those that have to wait for another worker
        share = max(1, self.waiting // len(self.seats))  # the last tasks are spread evenly
        seconds = 0.0
        while self._backlog and len(chosen) < min(share, self.pace.most()):
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
        self.waiting -= len(chosen)
        return chosen

    def _seconds(self, entry: Entry) -> float | None:
        """How long a task will take; None if nobody knows, or it has a limit and must not wait for others."""
        if entry.task.options.timeout is not None or entry.task.bundle is None:
            return None
        return self.pace.seconds(entry.task.bundle.digest)

    def _send(self, seat: Seat, entries: list[Entry]) -> Reports:
        """Send a batch, to a new process if there is none. Returns reports of what cannot be sent."""
        times = [self._seconds(entry) for entry in entries]
        seconds = sum(SHORT + 1 if took is None else took for took in times)
        try:
            if not seat.alive:
                seat.start()
                self._close_before_loky()
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
        self.waiting = 0
        for entry in lost:
            self.entries.pop(entry.task, None)
        words = f"no worker process can be kept running: the last one {why}; {_REMEDY}"
        failure = InterfaceError(words, str(error or ""))
        return [(entry.task, Ending(ending.REFUSED, message=words, error=failure)) for entry in lost]

    def _retire(self, seat: Seat) -> None:
        """A worker's process has ended; loky needs a moment to see it."""
        self._ending = [executor for executor in self._ending if not _is_over(executor)]
        executor = seat.clear()
        if executor is not None:
            self._ending.append(executor)

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
        self.pace.typical = 1

    def _take(self, seat: Seat, first: int, reports: list[Any]) -> Reports:
        """With the lock held: the endings of a worker's tasks, from this position on."""
        entries = [entry for batch in seat.batches for entry in batch.entries if entry.position >= first]
        found: Reports = []
        digests = []
        for entry, report in zip(entries, reports):  # noqa: B905  the rest of them is still to be done
            digests.append(entry.task.bundle.digest if entry.task.bundle is not None else "")
            if entry.batch is not None and entry.batch.seat is seat and entry.position >= first:
                entry.batch = None
                if entry.wanted and self.entries.pop(entry.task, None) is entry:
                    entry.task.worker = seat.name
                    found.append((entry.task, pool_call.ending_of(report, seat.facts)))
        self.pace.learn(digests, reports[: len(digests)])
        return found

    def _died(self, batch: Batch, error: BaseException) -> None:
        """The process of a worker has ended: one task is to blame, the others are run again."""
        seat = batch.seat
        self.listen(seat)
        found: Reports = []
        with self.lock:
            if batch not in seat.batches:  # another of its batches has told of it already
                return
            how = seat.gone()
            if self.closed:
                seat.let_go()
                return
            guilty = seat.current()
            words = last_words(seat.base)
            left = [entry for batch in seat.batches for entry in batch.mine()]
            self._retire(seat)
            seat.failures = 0 if guilty is not None else seat.failures + 1
            for entry in left:
                if entry is guilty and entry.wanted:
                    self.entries.pop(entry.task, None)
                    found.append((entry.task, _death(entry.task, how, words)))
                elif entry.wanted:
                    self._put(entry)
            if seat.failures >= _TRIES:
                found += self._refuse(how, error)
        self.feed()
        self.listener.ended(found)

    def _close_before_loky(self) -> None:
        """At the program's end loky waits for its running tasks, however long: end them before it does."""
        register = getattr(threading, "_register_atexit", None)  # as concurrent.futures and loky do
        reference = weakref.ref(self)

        def close() -> None:
            crew = reference()
            if crew is not None:
                crew.close()

        if register is not None and not self._registered:
            self._registered = True
            with suppress(RuntimeError):  # the end has begun
                register(close)


def _is_over(executor: Any) -> bool:
    """Whether loky is done with an executor whose process has died; frees its semaphores then."""
    thread = executor._executor_manager_thread
    if thread is not None and thread.is_alive():
        return False
    executor.shutdown(wait=True)
    return True


def _death(task: Task, how: str, words: tuple[str, str]) -> Ending:
    name = task.work.name if task.work is not None else "a task"
    message = f"the process that ran the task {name} {how}"
    return Ending(ending.DIED, message=message, stdout=words[0], stderr=words[1])
