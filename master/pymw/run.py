"""A dispatcher that keeps what it does in a run's folder, and finds it there again.

A task is known by its function, its arguments, and how many equal calls the program submitted before it: so a
program that is started again finds each of its tasks, and ten equal calls are ten tasks.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from os import PathLike
from typing import Any

import cloudpickle

from pymw import ending, keys, results, run_folder, store
from pymw.dispatcher import Dispatcher, Match, Settled
from pymw.ending import Ending
from pymw.errors import ArgumentError, RunError, ValueLost
from pymw.interfaces.base import Interface, Task
from pymw.record import Record
from pymw.recorder import Recorder
from pymw.store import Known, Store

log = logging.getLogger("pymw")

_SIZE = 16  # bytes of a task's key: no two of any number of tasks that fit on a disk are equal


class RunDispatcher(Dispatcher):
    """Runs the tasks of one master, and keeps them and their results in a run."""

    def __init__(self, interface: Interface, match: Match | None, run: str | PathLike[str]) -> None:
        """Open a run. run: its name or folder, as run_folder.find takes it. Raises RunError."""
        adopts = type(interface).adopt is not Interface.adopt
        self._store = Store(run_folder.find(run), adopts)
        self._naming = threading.Lock()
        self._equal: dict[bytes, int] = {}  # how often each call was submitted
        self._recorder = Recorder(self._store, self.settle, self._give_up)
        try:
            super().__init__(interface, match)
        except BaseException:
            self._recorder.close()
            raise

    # For the master.

    def identify(self, task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Give a new task its key. Raises FunctionError for what has none, or is too large to be kept."""
        bundle, call = task.bundle, task.call
        if bundle is None or not isinstance(call, bytes):  # nothing travels, but what would is kept
            bundle, call = task.work.pack(args, kwargs)
        if len(call) > store.LARGEST:
            raise ArgumentError(
                f"the arguments of {bundle.entry} have {len(call):,} bytes: a run keeps "
                f"{store.LARGEST:,} of each task; put them into a file"
            )
        same = hashlib.sha256(bundle.key + keys.of_call(args, kwargs)).digest()[:_SIZE]
        with self._naming:
            before = self._equal.get(same, 0)
            self._equal[same] = before + 1
            task.record = Record(self._function(bundle.key, bundle.entry), call)
        task.key = hashlib.sha256(same + before.to_bytes(8, "big")).digest()[:_SIZE]

    def _function(self, key: bytes, name: str) -> int:
        known = self._store.functions
        if key not in known:
            known[key] = max(known.values(), default=0) + 1
            self._recorder.function(known[key], key, store.clean(name))
        return known[key]

    def add(self, task: Task) -> None:
        """Queue a task, unless its value is kept already. Raises RuntimeError if closed; RunError."""
        if self._recorder.error and not self._closing:
            raise RunError(str(self._recorder.error))
        known = None if self._store.empty or self._closing else self._store.find(task.key or b"")
        if known is None:
            self._add_new(task)
            return
        record: Record = task.record
        record.number, record.arguments = known.number, None
        if known.state == store.FINISHED and self._give_back(task, known):
            return
        if known.state == store.HANDED:
            record.handed, record.handle = True, known.handle or ""
        elif known.state == store.FAILED:
            self._recorder.again(known.number)
        super().add(task)

    def _add_new(self, task: Task) -> None:
        with self._naming:
            task.record.number = self._store.next_number
            self._store.next_number += 1
        super().add(task)
        self._recorder.new(task)

    def _give_back(self, task: Task, known: Known) -> bool:
        """Settle a task with the value that is kept; returns False if that cannot be read any more."""
        end = self._store.ending(known.number) or Ending(ending.LOST, message="it is not there")
        value, error = results.value_of(end, self._interface.read)
        if error is not None:
            log.warning("a kept value of %s cannot be used, it runs again: %s", task.work.name, error)
            return False
        task.worker, task.started, task.attempts = known.worker, end.started, known.attempts
        with self._lock:
            self._open += 1
            self.counts["submitted"] += 1
        self.settle([(task, value, None, end)])
        return True

    def close(self) -> None:
        """Take no more tasks, stop those that run, end the interface, and let others have the run."""
        super().close()
        self._recorder.close()

    # What futures ask, and the interface tells.

    def abandon(self, task: Task) -> None:
        """Stop working on a task that was cancelled. The same program started again runs it."""
        super().abandon(task)
        if task.attempts:
            self._recorder.release(task)

    def note(self, handles: list[tuple[Task, str]]) -> None:
        """Keep the interface's own texts about tasks; they are on the disk when this returns."""
        self._recorder.note([(task, store.clean(text)) for task, text in handles])

    # What happens on the way.

    def announce(self, tasks: list[Task]) -> list[Task]:
        """Write down that these go to the interface; returns those that it does not have already."""
        earlier = [(task, task.record.handle) for task in tasks if task.record.handed]
        for task, _ in earlier:
            task.record.handed = False  # another attempt is another start
        # Those that it has are written down as handed over already, and may have ended by now.
        adopted = set(self._interface.adopt(earlier)) if earlier else set()
        fresh = [task for task in tasks if task not in adopted]
        if fresh:
            self._recorder.hand_over([(task, 1) for task in fresh])
        return fresh

    def keep(self, settled: list[Settled]) -> None:
        """Write down how tasks have ended; they are settled after that."""
        for task, _, _, end in settled:
            end.started = end.started or task.started
        settled = [_keepable(each) for each in settled]
        if not self._recorder.end(settled):
            assert self._recorder.error is not None
            self.settle([_failed(task, self._recorder.error) for task, *_ in settled])

    def _give_up(self, error: RunError, lost: list[Settled]) -> None:
        """Nothing can be written any more: whoever waits gets the error now."""
        log.error("%s", error)
        self.settle([_failed(task, error) for task, *_ in lost])
        for task in self.tasks():
            self.settle([_failed(task, error)])
            self.drop(task)


def _failed(task: Task, reason: RunError) -> Settled:
    error = RunError(str(reason))
    return (task, None, error, Ending(ending.REFUSED, error=error, finished=time.time()))


def _keepable(settled: Settled) -> Settled:
    """The same with the value as bytes, or an error in the place of a value that cannot be kept."""
    task, value, error, end = settled
    if error is None and end.data is None:  # its interface has run it in this process
        try:
            end.data = cloudpickle.dumps(value)
        except Exception as cause:
            return _lost(task, end, f"the value cannot be kept: {type(cause).__name__}: {cause}")
    size = len(end.data or b"")
    if size + len(end.stdout) + len(end.stderr) + len(end.traceback) <= store.LARGEST:
        return settled
    words = f"the value has {size:,} bytes, and a run keeps {store.LARGEST:,} of each task"
    return _lost(task, end, f"{words}; write it to a file, and return the file's name")


def _lost(task: Task, end: Ending, words: str) -> Settled:
    lost = Ending(ending.UNRETURNABLE, message=words, started=end.started, finished=end.finished)
    return (task, None, ValueLost(words), lost)
