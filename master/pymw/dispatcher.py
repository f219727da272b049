"""Gives tasks to the interface as it has room for them, and their endings back to those who wait.

One thread starts tasks and watches time limits. Endings are settled in the thread that reports them, or, in a
run that keeps its results, after they are on the disk.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from pymw import ending, results
from pymw.ending import Ending
from pymw.errors import InterfaceError
from pymw.future import Owner
from pymw.interfaces.base import Interface, Task
from pymw.limits import Limits
from pymw.queue import TaskQueue

Match = Callable[[list[Any], list[Any]], tuple[Any, Any]]
Settled = tuple[Task, Any, BaseException | None, Ending]

_START_PATIENCE = 10.0  # seconds
_MATCH_PAUSE = 1.0  # seconds until a scheduler that found no match is asked again
_MOST = 100_000  # tasks that are handed over at once
# Another attempt would end in the same way.
_HOPELESS = (ending.UNLOADABLE, ending.UNRETURNABLE)

log = logging.getLogger("pymw")


class Dispatcher(Owner):
    """Runs the tasks of one master on one interface.

    match: chooses a task and a worker from the lists of both, as the original's scheduler_func; None: the
    next task goes to any worker. counts: how many tasks were submitted, have finished, failed, were
    cancelled.
    """

    def __init__(self, interface: Interface, match: Match | None = None) -> None:
        self.counts = {"submitted": 0, "finished": 0, "failed": 0, "cancelled": 0}
        self._interface = interface
        self._match = match
        self._queue = TaskQueue()
        self._limits = Limits()
        self._flying: set[Task] = set()
        self._lock = threading.Lock()
        self._change = threading.Condition(self._lock)
        self._idle = threading.Condition(self._lock)
        self._open = 0  # tasks that are not settled
        self._news = 0  # counts what may let the thread go on
        self._resting = False
        self._closing = False
        self.is_to_finish = False
        self._thread = threading.Thread(target=self._work, name="pymw dispatcher", daemon=True)
        interface.open(self)
        self._thread.start()

    # For the master.

    def add(self, task: Task) -> None:
        """Queue a task. Raises RuntimeError if this is closed."""
        with self._lock:
            if self._closing or self.is_to_finish:
                raise RuntimeError("this master is closed: it takes no more tasks")
            self._queue.put(task)
            self._open += 1
            self.counts["submitted"] += 1
            self._tell()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all tasks are settled; returns False if they are not by then."""
        with self._lock:
            return self._idle.wait_for(lambda: self._open == 0, timeout)

    def tasks(self) -> list[Task]:
        """All tasks that are waiting or with the interface."""
        with self._lock:
            return [*self._flying, *self._queue.tasks()]

    def state(self) -> dict[str, int]:
        """How many tasks wait, run, and the counts."""
        with self._lock:
            return {"waiting": len(self._queue), "running": len(self._flying), **self.counts}

    def take_no_more(self) -> None:
        """Take no more tasks; those that there are go on, and the program's end is to wait for them."""
        with self._lock:
            self.is_to_finish = True
            tasks = [*self._flying, *self._queue.tasks()]
        # An engine can start no process any more when the program has begun to end.
        end = time.monotonic() + _START_PATIENCE
        while tasks and not any(task.running() or task.done() for task in tasks) and time.monotonic() < end:
            time.sleep(0.01)
        # Called before what the engines have registered until now, which ends their processes.
        threading._register_atexit(self.wait)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Take no more tasks, stop those that run, and end the interface. May be called twice."""
        with self._lock:
            already, self._closing = self._closing, True
            self._tell()
        if already:
            return
        self._thread.join()
        for task in self.tasks():
            task.cancel()
        self._interface.close()

    # What futures ask.

    def abandon(self, task: Task) -> None:
        """Stop working on a task that was cancelled."""
        self.drop(task)
        self._count(cancelled=1)

    def drop(self, task: Task) -> None:
        """Take a task that is settled from the queue, or from the interface."""
        with self._lock:
            flying = task in self._flying
            self._flying.discard(task)
            self._queue.drop(task)
        if flying:
            self._interface.cancel(task)

    def progress(self, task: Task) -> float:
        """How much of a running task is done, 0 to 1."""
        return self._interface.progress(task)

    # What the interface tells.

    def started(self, task: Task, worker: Any = None) -> bool:
        """A worker has begun with a task."""
        if not task.run(worker):
            return False
        if task.options.timeout is not None:
            with self._lock:
                self._limits.watch(task)
                self._tell()
        return True

    def ended(self, reports: Iterable[tuple[Task, Ending]]) -> None:
        """These tasks have ended."""
        with self._lock:
            known = [report for report in reports if report[0] in self._flying]
            self._flying.difference_update([task for task, _ in known])
            self._tell()
        now = time.time()
        settled: list[Settled] = []
        for task, end in known:
            end.finished = now
            if end.started is not None:  # the worker knows better, and of short tasks it alone knows
                task.started = end.started
            value, error = results.value_of(end, self._interface.read)
            if error is None or not self._try_again(task, end, error):
                settled.append((task, value, error, end))
        if settled:
            self.keep(settled)

    def room_again(self) -> None:
        """The interface may have room."""
        with self._lock:
            self._tell()

    def note(self, handles: list[tuple[Task, str]]) -> None:
        """The interface's own texts about tasks. A run keeps them."""

    # What a run that keeps its results does otherwise.

    def identify(self, task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Called with each new task when it is made. Raises FunctionError."""

    def announce(self, tasks: list[Task]) -> list[Task]:
        """Called with tasks before the interface gets them; returns those that it is to start."""
        return tasks

    def keep(self, settled: list[Settled]) -> None:
        """Called with tasks that have ended; sees to it that they are settled."""
        self.settle(settled)

    def settle(self, settled: list[Settled]) -> None:
        """Tell those who wait how these tasks have ended."""
        finished = failed = 0
        for task, value, error, end in settled:
            if task.settle(value, error, end):
                finished += error is None
                failed += error is not None
        self._count(finished=finished, failed=failed)

    def _count(self, **ended: int) -> None:
        with self._lock:
            for how, number in ended.items():
                self.counts[how] += number
                self._open -= number
            if self._open == 0:
                self._idle.notify_all()

    def _try_again(self, task: Task, end: Ending, error: BaseException) -> bool:
        """Queue a task that failed once more, if it may be."""
        if task.attempts > task.options.retries or end.status in _HOPELESS or self._closing:
            return False
        with self._lock:
            if not task.wait_again():
                return False
            log.info("attempt %d of a task failed, trying again: %s", task.attempts, error)
            self._queue.put(task, again=True)
            self._tell()
        return True

    # The thread that starts tasks.

    def _tell(self) -> None:
        """With the lock held: let the thread look again. It is woken only if it sleeps, as that costs."""
        self._news += 1
        if self._resting:
            self._resting = False
            self._change.notify()

    def _work(self) -> None:
        while not self._closing:
            news = self._news
            try:
                began = self._start_matched() if self._match else self._start_next()
            except InterfaceError as error:
                began = self._refuse_all(error)
            except Exception:
                log.exception("the interface failed when it was asked for room")
                began = False
            self._enforce_limits()
            if not began:
                self._rest(news)

    def _rest(self, news: int) -> None:
        """Wait until something has happened since `news`, or a time limit is reached."""
        with self._lock:
            pauses = [self._limits.next(), _MATCH_PAUSE if self._queue else None]
            if self._news == news and not self._closing:
                self._resting = True
                self._change.wait(min([pause for pause in pauses if pause is not None], default=None))
                self._resting = False

    def _start_next(self) -> bool:
        """Give the interface what it has room for; returns whether that was anything."""
        if not self._queue:
            return self._interface.no_task()
        room = self._interface.room()
        if room <= 0:
            return bool(self._queue) and self._interface.no_match()
        with self._lock:
            tasks = self._queue.take(min(room, _MOST))
            self._flying.update(tasks)
        return self._start(tasks)

    def _start_matched(self) -> bool:
        """Start the task that the user's scheduler chooses on the worker that it chooses."""
        with self._lock:
            tasks = self._queue.tasks()
        if not tasks:
            return self._interface.no_task()
        workers = self._interface.get_available_workers()
        if not workers:
            return self._interface.no_match()
        task, worker = self._matched(tasks, workers)
        with self._lock:
            if task is None or not self._queue.drop(task):
                task = None
            else:
                self._flying.add(task)
        if task is None:
            return self._interface.no_match()
        task.worker = worker
        return self._start([task])

    def _matched(self, tasks: list[Task], workers: list[Any]) -> tuple[Task | None, Any]:
        """As the original does it: what fails chooses the first ones, an unknown worker is the first one."""
        assert self._match is not None
        try:
            task, worker = self._match(list(tasks), list(workers))
        except Exception:
            log.exception("the scheduler function failed: the first task goes to the first worker")
            return tasks[0], workers[0]
        return task or None, worker if worker in workers else workers[0]

    def _start(self, tasks: list[Task]) -> bool:
        for task in tasks:
            task.attempts += 1
        try:
            fresh = self.announce(tasks)
            if fresh:
                self._interface.start(fresh)
        except Exception as error:
            self.ended([(task, Ending(ending.REFUSED, error=error)) for task in tasks])
        return bool(tasks)

    def _refuse_all(self, error: InterfaceError) -> bool:
        """Fail the tasks that wait, as the interface says that it will never take one."""
        with self._lock:
            tasks = self._queue.take(len(self._queue))
        now = time.time()
        self.keep([(task, None, error, Ending(ending.REFUSED, error=error, finished=now)) for task in tasks])
        return False

    def _enforce_limits(self) -> None:
        """Stop the tasks that run for too long."""
        with self._lock:
            late = self._limits.expired()
        for task in late:
            self._interface.cancel(task)
            words = f"the task ran for more than its limit of {task.options.timeout:g} s, and was stopped"
            self.ended([(task, Ending(ending.LATE, message=words))])
