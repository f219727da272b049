"""Tasks per second that the master itself can deal with, without a run, in a new run, and in a finished one.

python benchmarks/run_rate.py [TASKS] [FOLDER]     (FOLDER: where to make a run; default: the system's)

The tasks are done by threads of this process, which share the interpreter's lock with the master: an
interface whose workers are processes takes less of its time.
"""

from __future__ import annotations

import argparse
import pickle
import queue
import tempfile
import threading
import time
from pathlib import Path

import pymw
from pymw import ending
from pymw.ending import Ending
from pymw.interfaces.base import Interface, Listener, Task
from rich.console import Console
from rich.table import Table

WORKERS, AHEAD = 2, 250  # threads, and tasks that each has in its hands


class Threads(Interface):
    """Does nothing but the work."""

    def open(self, listener: Listener) -> None:
        self.listener = listener
        self._held = 0
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[list[Task] | None] = queue.SimpleQueue()
        for _ in range(WORKERS):
            threading.Thread(target=self._work, daemon=True).start()

    def room(self) -> int:
        return WORKERS * AHEAD - self._held

    def start(self, tasks: list[Task]) -> None:
        with self._lock:
            self._held += len(tasks)
        self._tasks.put(tasks)

    def _work(self) -> None:
        while (tasks := self._tasks.get()) is not None:
            reports = []
            for task in tasks:
                self.listener.started(task)
                args, kwargs = pickle.loads(task.call)
                reports.append(
                    (task, Ending(ending.VALUE, pickle.dumps(task.work.function(*args, **kwargs))))
                )
            with self._lock:
                self._held -= len(tasks)
            self.listener.ended(reports)

    def cancel(self, task: Task) -> None:
        """Tasks are too short to be stopped."""

    def close(self) -> None:
        for _ in range(WORKERS):
            self._tasks.put(None)


def square(x: int) -> int:
    """The work of a task."""
    return x * x


def seconds(tasks: int, run: Path | None) -> float:
    """How long it takes from the first submission until all values are there and the master is closed."""
    began = time.perf_counter()
    with pymw.Master(Threads(), run=run) as master:
        futures = [master.submit(square, x) for x in range(tasks)]
        assert [future.result() for future in futures] == [x * x for x in range(tasks)]
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("tasks", nargs="?", type=int, default=100_000, help="tasks (100000)")
    parser.add_argument(
        "folder", nargs="?", help="where the run is made (default: a temporary folder's place)"
    )
    options = parser.parse_args()
    tasks = options.tasks
    table = Table("", "tasks/s", "bytes/task", box=None)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        run = Path(folder) / "run"
        for words, where in (("no run", None), ("a new run", run), ("a finished run, again", run)):
            rate = tasks / seconds(tasks, where)
            size = (run / "run.sqlite").stat().st_size / tasks if where else 0
            table.add_row(words, f"{rate:,.0f}", f"{size:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
