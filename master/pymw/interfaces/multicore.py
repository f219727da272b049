"""Tasks on the cores of this computer, in processes that loky starts."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from pymw.errors import InterfaceError
from pymw.interfaces.base import Interface, Listener, Task
from pymw.interfaces.crew import Crew


class MulticoreInterface(Interface):
    """Runs tasks in worker processes of this computer.

    A process that dies takes its one task with it; what else it had is run by others. Tasks that prove to be
    short are sent many at a time.
    """

    def __init__(self, num_workers: int | None = None, python_loc: str | None = None) -> None:
        """num_workers: None for one a core that this process may use.

        python_loc: as the original's; only this very Python can be given. Raises InterfaceError.
        """
        if num_workers is not None and num_workers < 1:
            raise InterfaceError(f"the number of workers is {num_workers}: it must be 1 or more")
        if python_loc and Path(python_loc).resolve() != Path(sys.executable).resolve():
            raise InterfaceError(
                f"the multicore interface runs tasks by this Python, {sys.executable}, not by {python_loc}: "
                "the generic interface takes another one"
            )
        self.num_workers = num_workers or _cores()
        self.chunk_width = self.num_workers
        self._crew = Crew(self.num_workers, _environment(self.num_workers))

    def open(self, listener: Listener) -> None:
        """Begin to serve; processes start with the first tasks."""
        if self._crew.closed:
            raise InterfaceError("this interface has been closed: make a new one")
        # Now, so that what it does at the program's end comes after what masters do there.
        importlib.import_module("loky.process_executor")
        super().open(listener)
        self._crew.listener = listener

    def room(self) -> int:
        """As many tasks as are likely to fill the workers' batches."""
        crew = self._crew
        with crew.lock:
            free = sum(crew.free(seat) for seat in crew.seats)
            return max(0, free * crew.pace.typical - crew.waiting) if not crew.closed else 0

    def start(self, tasks: list[Task]) -> None:
        """Queue these tasks, and send what the workers can take."""
        self._crew.add(tasks)

    def cancel(self, task: Task) -> None:
        """Drop a task; if it runs, its process is killed and replaced."""
        self._crew.drop(task)

    def progress(self, task: Task) -> float:
        """What the running task says (pymw_worker.progress)."""
        with self._crew.lock:
            entry = self._crew.entries.get(task)
            seat = entry.batch.seat if entry is not None and entry.batch is not None else None
            if seat is None or seat.note is None or seat.current() is not entry:
                return 0.0
            return seat.note.progress

    def get_available_workers(self) -> list[str]:
        """The names of the workers that have nothing to do."""
        with self._crew.lock:
            return [seat.name for seat in self._crew.seats if not seat.batches]

    def get_status(self) -> dict[str, Any]:
        """The original's num_total_workers and num_active_workers, and the processes' ids."""
        seats = self._crew.seats
        with self._crew.lock:
            return {
                "num_total_workers": self.num_workers,
                "num_active_workers": sum(1 for seat in seats if seat.batches),
                "processes": [seat.process.pid for seat in seats if seat.process is not None],
            }

    def close(self) -> None:
        """Kill the processes that have a task, end the others, remove all files."""
        self._crew.close()


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _environment(workers: int) -> dict[str, str]:
    """What worker processes find in their environment."""
    threads = str(max(1, _cores() // workers))
    # Each process starting a thread a core would be slower than one thread each.
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    limits = {name: threads for name in pools if name not in os.environ}
    # loky would replace processes that keep data between tasks.
    return {**limits, "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18"}
