"""Tasks on any concurrent.futures.Executor: thread and process pools, loky, Dask, Parsl, executorlib, MPI."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from collections import deque
from concurrent.futures import BrokenExecutor, Executor
from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.errors import InterfaceError
from pymw.interfaces.base import Interface, Task
from pymw.pool import call as pool_call

# What Dask and Parsl raise when a worker has died; not imported, as neither may be there.
_DEATHS = {"KilledWorker", "ManagerLost", "WorkerLost"}

EngineFuture = concurrent.futures.Future[Any]


class ExecutorInterface(Interface):
    """Runs tasks on an executor that the user has made, and that stays open when this is closed.

    Each task is one call of the executor's submit. What it cannot stop it runs to its end, for nobody. In
    threads of this program (ThreadPoolExecutor) functions and arguments are used as they are, and what they
    print is not kept apart: threads share sys.stdout.
    """

    def __init__(self, executor: Executor, width: int | None = None) -> None:
        """width: how many tasks the executor runs at once; None to find out. Raises InterfaceError."""
        if not callable(getattr(executor, "submit", None)):
            raise InterfaceError(f"{executor!r} is no executor: it has no submit method")
        if width is not None and width < 1:
            raise InterfaceError(f"the width is {width}: it must be 1 or more")
        self.width = width or _width_of(executor)
        self.chunk_width = self.width
        self.in_process = _has_threads(executor)
        self.executor = executor
        self._lock = threading.Lock()
        self._tasks: dict[Task, EngineFuture | None] = {}  # None while a task is being handed over
        self._held: deque[Task] = deque()  # with a time limit, until the executor has nothing that waits
        self._busy = 0  # calls that the executor has, wanted or not
        self._closed = False

    def room(self) -> int:
        """Two tasks for each that can run, so that no worker waits and priorities keep their meaning."""
        with self._lock:
            return 0 if self._closed else max(0, 2 * self.width - self._busy - len(self._held))

    def start(self, tasks: list[Task]) -> None:
        """Submit tasks. One with a time limit waits here until a worker is free."""
        with self._lock:
            for task in tasks:
                self._tasks[task] = None
            self._held.extend(task for task in tasks if task.options.timeout is not None)
        for task in tasks:
            if task.options.timeout is None:
                self._submit(task)
        self._submit_held()

    def cancel(self, task: Task) -> None:
        """Cancel a task that waits in the executor; the value of one that runs is dropped."""
        with self._lock:
            future = self._tasks.pop(task, None)
            if task in self._held:
                self._held.remove(task)
        if future is not None:
            future.cancel()

    def close(self) -> None:
        """Cancel what waits. The executor is its owner's to shut down."""
        with self._lock:
            self._closed = True
            futures = [future for future in self._tasks.values() if future is not None]
            self._tasks.clear()
            self._held.clear()
        for future in futures:
            future.cancel()

    def get_status(self) -> dict[str, Any]:
        """The original's num_total_workers and num_active_workers."""
        with self._lock:
            return {"num_total_workers": self.width, "num_active_workers": min(self.width, self._busy)}

    def read(self, data: Any) -> Any:
        """What a worker sent; from a thread of this program the value itself, in a tuple."""
        return data[0] if self.in_process else super().read(data)

    def _submit_held(self) -> None:
        while True:
            with self._lock:
                if not self._held or self._busy >= self.width or self._closed:
                    return
                task = self._held.popleft()
            self._submit(task)

    def _submit(self, task: Task) -> None:
        with self._lock:
            if task not in self._tasks:
                return
            self._busy += 1
        try:
            future = self._call(task)
        except Exception as error:
            with self._lock:
                self._busy -= 1
            self._report(task, None, _refused(error))
            return
        with self._lock:
            wanted = task in self._tasks
            if wanted:
                self._tasks[task] = future
        if not wanted:
            future.cancel()
        elif not self.in_process:
            self.listener.started(task)
        future.add_done_callback(lambda done: self._done(task, done))

    def _call(self, task: Task) -> EngineFuture:
        if self.in_process:
            return self.executor.submit(self._run_here, task, task.call)
        code = task.bundle
        assert code is not None
        return self.executor.submit(pool_call.run_alone, code.digest, code.data, task.call)

    def _run_here(self, task: Task, call: tuple[tuple[Any, ...], dict[str, Any]]) -> Ending | None:
        """Runs in a thread of the pool."""
        if not self.listener.started(task, threading.current_thread().name):
            return None
        assert task.work is not None
        return pool_call.run_in_thread(task.work.function, *call)

    def _done(self, task: Task, future: EngineFuture) -> None:
        """Called when the executor is done with a task, in whatever thread it likes."""
        with self._lock:
            self._busy -= 1
        if future.cancelled():
            end = Ending(ending.LOST, message="the executor cancelled the task")
        elif (error := future.exception()) is not None:
            end = _failure(error)
        else:
            result = future.result()
            end = result if self.in_process else pool_call.ending_of(result[1], result[0])
        self._report(task, future, end)
        self._submit_held()

    def _lose(self, end: Ending) -> None:
        """All that the executor has is lost: it will never tell."""
        with self._lock:
            lost = [task for task in self._tasks if task not in self._held]
            for task in lost:
                del self._tasks[task]
        self.listener.ended([(task, end) for task in lost])

    def _report(self, task: Task, future: EngineFuture | None, end: Ending | None) -> None:
        with self._lock:
            # A retry is another call: only the one that we know of is reported.
            known = task in self._tasks and self._tasks[task] is future
            if known:
                del self._tasks[task]
        if known and end is not None:
            self.listener.ended([(task, end)])
        else:
            self.listener.room_again()


def _failure(error: BaseException) -> Ending:
    """The ending of a task that the executor, not the function, has failed."""
    if isinstance(error, BrokenExecutor) or type(error).__name__ in _DEATHS:
        words = (
            "a worker process of the executor has died, perhaps with all that the executor had: probably "
            f"this task or one beside it crashed, or there was no memory left ({error})"
        )
        return Ending(ending.DIED, message=words)
    return _refused(error)


def _refused(error: BaseException) -> Ending:
    words = f"the executor cannot run the task: {type(error).__name__}: {error}"
    remedy = "; make a new executor" if isinstance(error, RuntimeError | BrokenExecutor) else ""
    failure = InterfaceError(words + remedy, repr(error))
    failure.__cause__ = error
    return Ending(ending.REFUSED, message=words, error=failure)


def _has_threads(executor: Executor) -> bool:
    """Whether it runs calls in this very process."""
    if not isinstance(executor, concurrent.futures.ThreadPoolExecutor):
        return False
    interpreters: Any = getattr(concurrent.futures, "InterpreterPoolExecutor", ())
    return not isinstance(executor, interpreters)


def _width_of(executor: Any) -> int:
    """How many calls it runs at once, as far as it tells; else the number of cores."""
    for name in ("num_workers", "_max_workers", "max_workers"):
        number = getattr(executor, name, None)
        if isinstance(number, int) and number > 0:
            return number
    client = getattr(executor, "_client", None)  # Dask's
    if client is not None:
        return sum(client.nthreads().values()) or 1
    return os.cpu_count() or 1
