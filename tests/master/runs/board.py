"""A program whose interface only writes its work to disk, where whoever wants can do it, whenever.

python -m tests.master.runs.board RUN BOARD TASKS [hasty]. A task is a file BOARD/NAME.job, its answer
NAME.done. hasty: whatever is found again is done at once.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import threading
import uuid
from pathlib import Path

import pymw
from pymw import ending, store
from pymw.ending import Ending
from pymw.interfaces.base import Interface, Listener, Task


class Board(Interface):
    """Work for those who look at a folder. What is there stays there when the program ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[str, Task] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def open(self, listener: Listener) -> None:
        super().open(listener)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def room(self) -> int:
        return 1000

    def start(self, tasks: list[Task]) -> None:
        names = {task: uuid.uuid4().hex for task in tasks}
        self.listener.note(list(names.items()))
        for task, name in names.items():
            self._hold(task, name)
            temporary = self._folder / f"{name}.new"
            temporary.write_bytes(task.call)
            temporary.replace(self._folder / f"{name}.job")

    def adopt(self, tasks: list[tuple[Task, str]]) -> list[Task]:
        there = [(task, name) for task, name in tasks if name and (self._folder / f"{name}.job").exists()]
        for task, name in there:
            self._hold(task, name)
        return [task for task, _ in there]

    def _hold(self, task: Task, name: str) -> None:
        with self._lock:
            self._jobs[name] = task

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            with self._lock:
                done = {name: self._folder / f"{name}.done" for name in self._jobs}
            for name, path in done.items():
                if path.exists():
                    with self._lock:
                        task = self._jobs.pop(name)
                    self.listener.ended([(task, Ending(ending.VALUE, path.read_bytes()))])

    def cancel(self, task: Task) -> None:
        with self._lock:
            self._jobs = {name: each for name, each in self._jobs.items() if each is not task}

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


class Hasty(Board):
    """What it finds again has ended, and that is written down, before the program goes on."""

    def __init__(self, folder: Path, run: Path) -> None:
        super().__init__(folder)
        self._run = run

    def adopt(self, tasks: list[tuple[Task, str]]) -> list[Task]:
        found = super().adopt(tasks)
        for _, name in tasks:
            do(self._folder / f"{name}.job")
        with contextlib.closing(store.open_to_read(self._run)) as kept:
            while kept.execute("SELECT COUNT(*) FROM endings").fetchone()[0] < len(found):
                self._ended.wait(0.01)
        return found


def square(x: int) -> int:
    """What the tasks are said to do; the test does it."""
    return x * x


def main() -> None:
    run, board, tasks, *hasty = sys.argv[1:]
    interface = Hasty(Path(board), Path(run)) if hasty else Board(Path(board))
    with pymw.Master(interface, run=run + os.sep) as master:
        print(*master.map(square, range(int(tasks))))


def do(job: Path) -> None:
    """Do the work of one file."""
    (x,), _ = pickle.loads(job.read_bytes())
    temporary = job.with_suffix(".half")
    temporary.write_bytes(pickle.dumps(square(x)))
    temporary.replace(job.with_suffix(".done"))


if __name__ == "__main__":
    main()
