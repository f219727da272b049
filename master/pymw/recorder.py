"""The thread that writes down what happens in a run.

Whatever has come up while it was writing is written together (group commit): the more happens, the less each
task costs. Tasks that wait are written when there is nothing more urgent.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from pymw.dispatcher import Settled
from pymw.errors import RunError
from pymw.interfaces.base import Task
from pymw.record import Record, ending_row, task_row, times_row
from pymw.store import HANDED, WAITING, Changes, Store

_NEW_AT_ONCE = 5000  # tasks that are written without looking for what is more urgent


class _Batch:
    """What is written next."""

    def __init__(self) -> None:
        self.functions: list[tuple[int, bytes, str]] = []
        self.handed: list[tuple[Task, int]] = []
        self.handles: list[tuple[Task, str]] = []
        self.ended: list[Settled] = []
        self.released: list[Task] = []

    def __bool__(self) -> bool:
        return bool(self.functions or self.handed or self.handles or self.ended or self.released)


class Recorder:
    """Writes to the store, in a thread of its own, what any thread tells it.

    kept: called with tasks that have ended, when that is on the disk. failed: called once, when it turns out
    that no more can be written, with the reason and the tasks whose endings could not be.
    """

    def __init__(
        self,
        store: Store,
        kept: Callable[[list[Settled]], None],
        failed: Callable[[RunError, list[Settled]], None],
    ) -> None:
        self.error: RunError | None = None
        self._store = store
        self._kept = kept
        self._failed = failed
        self._lock = threading.Lock()
        self._change = threading.Condition(self._lock)
        self._written = threading.Condition(self._lock)
        self._new: deque[Task] = deque()
        self._again: deque[int] = deque()
        self._batch = _Batch()
        self._round = 1  # of the batch that is being filled
        self._done = 0  # the last round that is on the disk
        self._resting = False
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="pymw recorder", daemon=True)
        self._thread.start()

    # What happens. Each may be called by any thread.

    def function(self, number: int, key: bytes, name: str) -> None:
        """There is another function."""
        with self._lock:
            self._batch.functions.append((number, key, name))

    def new(self, task: Task) -> None:
        """A task was submitted that the store does not know."""
        with self._lock:
            self._new.append(task)
            self._tell()

    def again(self, number: int) -> None:
        """A task that failed in an earlier program waits again."""
        with self._lock:
            self._again.append(number)
            self._tell()

    def hand_over(self, tasks: list[tuple[Task, int]]) -> None:
        """Tasks go to the interface, with the attempts to count: returns when that is on the disk.

        Raises RunError.
        """
        with self._lock:
            self._batch.handed += tasks
            self._wait()

    def note(self, handles: list[tuple[Task, str]]) -> None:
        """The interface's own texts: returns when they are on the disk. Raises RunError."""
        with self._lock:
            self._batch.handles += handles
            self._wait()

    def end(self, settled: list[Settled]) -> bool:
        """Tasks have ended; `kept` is called later. Returns False if no more can be written."""
        with self._lock:
            if self.error:
                return False
            self._batch.ended += settled
            self._tell()
        return True

    def release(self, task: Task) -> None:
        """A task that the interface had is not wanted any more."""
        with self._lock:
            self._batch.released.append(task)
            self._tell()

    def close(self) -> None:
        """Write what is left, and close the store. May be called twice, and by `kept`."""
        with self._lock:
            self._closing = True
            self._tell()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _tell(self) -> None:
        if self._resting:
            self._resting = False
            self._change.notify()

    def _wait(self) -> None:
        """With the lock held: until the batch that is being filled is on the disk."""
        mine = self._round
        self._tell()
        self._written.wait_for(lambda: self._done >= mine or self.error)
        if self._done < mine and self.error:
            raise RunError(str(self.error))  # one of its own for each thread: raising changes it

    # The thread.

    def _work(self) -> None:
        while self.error is None and (taken := self._next()) is not None:
            batch, new, again, number = taken
            try:
                self._store.write(self._changes(batch, new, again))
            except Exception as error:  # whatever it is: who waits must be told
                self._give_up(error, batch)
                break
            with self._lock:
                self._done = number
                self._written.notify_all()
            if batch.ended:
                self._kept(batch.ended)
        self._store.close()

    def _next(self) -> tuple[_Batch, list[Task], list[int], int] | None:
        """What to write, when there is something; None at the end."""
        with self._lock:
            while not (self._batch or self._new or self._again):
                if self._closing:
                    self.error = RunError("this master is closed, and with it its run")
                    self._written.notify_all()
                    return None
                self._resting = True
                self._change.wait()
            batch, self._batch = self._batch, _Batch()
            new = [self._new.popleft() for _ in range(min(len(self._new), _NEW_AT_ONCE))]
            again = [self._again.popleft() for _ in range(min(len(self._again), _NEW_AT_ONCE))]
            number, self._round = self._round, self._round + 1
            return batch, new, again, number

    def _changes(self, batch: _Batch, new: list[Task], again: list[int]) -> Changes:
        changes = Changes(functions=batch.functions)
        for task, attempts in batch.handed:
            record = _record(task)
            if record.arguments is None:
                changes.handed.append((attempts, record.number))
            else:  # it got to the interface before its turn to be written
                changes.new.append(task_row(task, HANDED, attempts))
        refused = [task for task, *_ in batch.ended]  # tasks may end without having been handed over
        changes.new += [
            task_row(task, WAITING, 0) for task in refused + new if _record(task).arguments is not None
        ]
        changes.again = [(number,) for number in again]
        changes.handles = [(text, _record(task).number) for task, text in batch.handles]
        changes.ended = [times_row(each) for each in batch.ended]
        changes.endings = [ending_row(each) for each in batch.ended]
        changes.released = [(_record(task).number,) for task in batch.released]
        return changes

    def _give_up(self, error: Exception, batch: _Batch) -> None:
        with self._lock:
            told = error if isinstance(error, RunError) else RunError(f"the run cannot be written: {error}")
            self.error = told
            lost = batch.ended + self._batch.ended
            self._written.notify_all()
        self._failed(told, lost)


def _record(task: Task) -> Record:
    record: Record = task.record
    return record
