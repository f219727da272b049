"""Interfaces that users wrote for the original PyMW keep working.

Such an interface is any object with a method execute_task(task, worker), which calls task.task_finished()
when the task has ended, and may have get_available_workers, reserve_worker, worker_finished, get_status,
try_avail_check_again and _cleanup. Each task is executed in a thread of its own.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.errors import FunctionError, InterfaceError
from pymw.functions import CodeBundle
from pymw.interfaces.base import Interface, Task
from pymw.original_task import PyMW_Task
from pymw.work import Work

_MOST_THREADS = 100  # as in the original; an interface that tells its workers has one a worker


class OriginalInterface(Interface):
    """Makes an Interface of an object with the original's methods."""

    task_class = PyMW_Task

    def __init__(self, given: Any) -> None:
        """given: the object. Raises InterfaceError if it has no execute_task."""
        if not hasattr(given, "execute_task"):
            raise InterfaceError("Interface must have execute_task() function.")
        if not callable(given.execute_task):
            raise InterfaceError("Interface execute_task must be a function.")
        self.given = given
        self._lock = threading.Lock()  # the original calls an interface's methods for workers one at a time
        self._busy: dict[Task, Any] = {}

    def prepare(
        self, work: Work, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[CodeBundle | None, Any]:
        """The call as it is, for interfaces that make it themselves, and what travels of it.

        A function that cannot travel is an error only for interfaces that want its files.
        """
        try:
            bundle, packed = work.pack(args, kwargs)
        except FunctionError as error:
            return None, (args, kwargs, error)
        return bundle, (args, kwargs, packed)

    def get_available_workers(self) -> list[Any]:
        """What the interface says; [None] if it says nothing sensible."""
        with self._lock:
            return self._workers()

    def room(self) -> int:
        """Its available workers; the threads that are left, if it knows no workers."""
        with self._lock:
            workers = self._workers()
            return _MOST_THREADS - len(self._busy) if workers == [None] else len(workers)

    def start(self, tasks: list[Task]) -> None:
        """Execute each task in a thread."""
        for task in tasks:
            assert isinstance(task, PyMW_Task)
            if task.executable is None:  # submitted by the modern names
                task.executable = task._raw_exec = task.work.function
                task.input_data = task.call[0]
            with self._lock:
                workers = self._workers() or [None]
                worker = task.worker if task.worker in workers else workers[0]
                with contextlib.suppress(Exception):
                    self.given.reserve_worker(worker)
                self._busy[task] = worker
            threading.Thread(
                target=self._execute, args=(task, worker), name=f"pymw {task}", daemon=True
            ).start()

    def cancel(self, task: Task) -> None:
        """The original knows no way to stop a task: it goes on, and nobody hears of it."""

    def close(self) -> None:
        """Call the interface's _cleanup, if it has one."""
        cleanup = getattr(self.given, "_cleanup", None)
        if cleanup is not None:
            cleanup()

    def no_match(self) -> bool:
        """Ask the interface whether to look again at once."""
        with contextlib.suppress(Exception):
            return bool(self.given.try_avail_check_again())
        return False

    def get_status(self) -> dict[str, Any]:
        """What the interface says. Raises whatever it raises."""
        with self._lock:
            return self.given.get_status()  # type: ignore[no-any-return]

    def _report(self, task: Task, end: Ending) -> None:
        """A task has ended: its worker is free again, then the master hears of it."""
        self._free(task)
        self.listener.ended([(task, end)])

    def _free(self, task: Task) -> None:
        with self._lock:
            if task in self._busy:
                worker = self._busy.pop(task)
                with contextlib.suppress(Exception):
                    self.given.worker_finished(worker)

    def _workers(self) -> list[Any]:
        try:
            found = self.given.get_available_workers()
        except Exception:
            return [None]
        return list(found) if isinstance(found, list) else [None]

    def _execute(self, task: Any, worker: Any) -> None:
        task._assigned_worker, task._report = worker, self._report
        if not self.listener.started(task, worker):
            self._free(task)
            return
        try:
            self.given.execute_task(task, worker)
        except Exception as error:
            self._report(task, Ending(ending.REFUSED, error=error))
