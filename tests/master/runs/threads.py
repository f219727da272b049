"""Small interfaces for tests of runs: functions run in threads, or in programs that outlive the master."""

from __future__ import annotations

import pickle
import threading
import time

from pymw import ending
from pymw.ending import Ending
from pymw.interfaces.base import Interface, Listener, Task


class Threads(Interface):
    """Runs tasks in threads, each of which takes several at once. runs: how many it has begun."""

    def __init__(self, workers: int = 4, ahead: int = 4) -> None:
        self.runs = 0
        self._ahead = ahead
        self._workers = workers
        self._tasks: list[Task] = []
        self._held: set[Task] = set()
        self._change = threading.Condition()
        self._closed = False

    def open(self, listener: Listener) -> None:
        super().open(listener)
        self._threads = [
            threading.Thread(target=self._work, args=(f"worker [{number}]",), daemon=True)
            for number in range(self._workers)
        ]
        for thread in self._threads:
            thread.start()

    def room(self) -> int:
        return self._workers * self._ahead - len(self._held)

    def start(self, tasks: list[Task]) -> None:
        with self._change:
            self._tasks += tasks
            self._held.update(tasks)
            self._change.notify_all()

    def cancel(self, task: Task) -> None:
        with self._change:
            self._held.discard(task)

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self, name: str) -> None:
        while (taken := self._take()) is not None:
            begun = [task for task in taken if self.listener.started(task, name)]
            reports = [(task, self.call(task)) for task in begun]
            with self._change:
                self._held.difference_update(taken)
            self.listener.ended(reports)

    def _take(self) -> list[Task] | None:
        with self._change:
            self._change.wait_for(lambda: self._tasks or self._closed)
            if self._closed:
                return None
            taken = self._tasks[: self._ahead]
            del self._tasks[: self._ahead]
            self.runs += len(taken)
            return taken

    def call(self, task: Task) -> Ending:
        """Do a task's work, as a worker does."""
        call = task.call
        if call is None:  # cancelled in this moment
            return Ending(ending.LOST)
        began = time.time()
        try:
            args, kwargs = pickle.loads(call)
            value = pickle.dumps(task.work.function(*args, **kwargs), 3)
        except Exception as error:
            text = "Traceback: of the worker"
            return Ending(ending.EXCEPTION, pickle.dumps(error), type(error).__name__, str(error), text)
        facts = {"elapsed": str(time.time() - began), "python": "3.11"}
        return Ending(ending.VALUE, value, stdout="said \udc80", stderr="warned", facts=facts)
