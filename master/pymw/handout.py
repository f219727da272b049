"""Hands out the results of tasks as the original's get_result does: each once, as they come."""

from __future__ import annotations

import threading
from collections import deque

from pymw.errors import TaskError
from pymw.original_task import PyMW_Task


class Handout:
    """The tasks of one PyMW_Master. submitted: all that get_result knows, in order."""

    def __init__(self) -> None:
        self.submitted: list[PyMW_Task] = []
        self._known: set[PyMW_Task] = set()
        self._fetched: set[PyMW_Task] = set()
        self._ended: deque[PyMW_Task] = deque()
        self._news = threading.Condition()

    def know(self, task: PyMW_Task) -> PyMW_Task:
        """Take in a task that was submitted; returns it."""
        self.submitted.append(task)
        self._known.add(task)
        task.add_done_callback(self._note_end)  # type: ignore[arg-type]
        return task

    def checked(self, task: PyMW_Task | list[PyMW_Task] | None) -> list[PyMW_Task]:
        """What get_result's argument asks for, as a list; empty for any. Raises TaskError for others."""
        if not self.submitted:
            raise TaskError("No tasks have been submitted")
        wanted = [] if task is None else list(task) if isinstance(task, list | tuple) else [task]
        for one in wanted:
            if not isinstance(one, PyMW_Task):
                raise TaskError("Function requires either a task, a list of tasks, or None")
            if one not in self._known:
                raise TaskError("Task has not been submitted")
        return wanted

    def next(self, wanted: list[PyMW_Task], blocking: bool) -> PyMW_Task | None:
        """The next task to hand out: one that is asked for by itself as often as one likes, others once.

        None if there is none yet and `blocking` is not set. Raises TaskError if there will never be one.
        """
        with self._news:
            while True:
                if len(wanted) == 1 and wanted[0].done():
                    found: PyMW_Task | None = wanted[0]
                else:
                    found = self._take(wanted)
                if found is not None:
                    self._fetched.add(found)
                    return found
                left = (
                    not self._fetched.issuperset(wanted) if wanted else len(self._fetched) < len(self._known)
                )
                if not left:
                    raise TaskError("All results of these tasks have been handed out already")
                if not blocking:
                    return None
                self._news.wait()

    def _take(self, wanted: list[PyMW_Task]) -> PyMW_Task | None:
        """One of these tasks (of all, if there are none) that has ended and was not handed out."""
        if wanted:
            return next((task for task in wanted if task.done() and task not in self._fetched), None)
        while self._ended:
            task = self._ended.popleft()
            if task not in self._fetched:
                return task
        return None

    def _note_end(self, task: PyMW_Task) -> None:
        with self._news:
            self._ended.append(task)
            self._news.notify_all()
