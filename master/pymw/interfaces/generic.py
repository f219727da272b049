"""The generic interface: each task in the worker that volunteers run, on this computer.

What passes here passes on a volunteer's machine, since it is the same worker, with the same files. There is
one resident worker for each task that may run at once (pymw_worker's --serve); it starts a process for each
task.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from pymw_packager import worker_archive
from pymw_worker import names

from pymw import ending
from pymw.ending import Ending
from pymw.errors import InterfaceError
from pymw.interfaces.base import Interface, Task
from pymw.resident import Resident
from pymw.worker_files import read_ending


class GenericInterface(Interface):
    """Runs each task in a process of its own, under any Python."""

    def __init__(self, num_workers: int = 1, python_loc: str = sys.executable) -> None:
        """Make it; workers start when they are needed. Raises InterfaceError for less than one worker.

        num_workers: tasks that run at once. python_loc: the Python that runs them. Another version than this
        program's runs functions that travel as source: portable=True, or the original's modules, dep_funcs.
        """
        if num_workers < 1:
            raise InterfaceError(f"the generic interface needs at least one worker, not {num_workers}")
        self._number = num_workers
        self._python = str(python_loc)
        self.any_python = self._python != sys.executable
        self._lock = threading.Lock()
        self._idle = list(range(num_workers))
        self._residents: dict[int, Resident] = {}
        self._tasks: dict[int, Task] = {}  # by worker; a worker that is busy without one was told to stop
        self._folder: Path | None = None

    def room(self) -> int:
        """How many workers have nothing to do."""
        return len(self._idle)

    def get_available_workers(self) -> list[Any]:
        """The numbers of the workers that have nothing to do."""
        with self._lock:
            return list(self._idle)

    def start(self, tasks: list[Task]) -> None:
        """Hand each task to an idle worker."""
        for task in tasks:
            with self._lock:
                number = task.worker if task.worker in self._idle else self._idle[0]
                self._idle.remove(number)
                self._tasks[number] = task
            if not self.listener.started(task, number):
                self._free(number)
                continue
            try:
                self._hand_over(task, number)
            except OSError as error:
                reason = f"the worker cannot be started with {self._python}: {error.strerror or error}"
                self._ended(number, Ending(ending.REFUSED, error=InterfaceError(reason)))

    def cancel(self, task: Task) -> None:
        """Stop a task; its worker stays."""
        with self._lock:
            number = self._worker_of(task)
            resident = self._residents.get(number)
            self._tasks.pop(number, None)
        if resident is not None:
            resident.cancel()

    def close(self) -> None:
        """End all workers and their tasks, and remove the temporary folder."""
        with self._lock:
            residents = list(self._residents.values())
            self._residents.clear()
            self._tasks.clear()
        for resident in residents:
            resident.end()
        for resident in residents:
            resident.join()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def progress(self, task: Task) -> float:
        """What the task has said of itself (pymw_worker.progress)."""
        with self._lock:
            resident = self._residents.get(self._worker_of(task))
        return resident.progress() if resident is not None else 0.0

    def get_status(self) -> dict[str, Any]:
        """num_total_workers, and num_active_workers: those that work."""
        return {"num_total_workers": self._number, "num_active_workers": self._number - len(self._idle)}

    def _worker_of(self, task: Task) -> int:
        return next((number for number, one in self._tasks.items() if one is task), -1)

    def _hand_over(self, task: Task, number: int) -> None:
        """Write the task's files and tell the worker, which is started if need be. Raises OSError."""
        assert task.bundle is not None
        folder = self._made_folder()
        bundle = folder / task.bundle.digest
        if not bundle.exists():
            bundle.write_bytes(task.bundle.data)
        resident = self._residents.get(number) or self._started(folder, number)
        call = task.call
        if call is None:  # cancelled in the meantime
            self._ended(number, Ending(ending.LOST))
            return
        given = task.bundle.arguments_file(f"{task.work.name} {number}", call)
        (resident.folder / names.ARGUMENTS).write_bytes(given)
        resident.run("--bundle", str(bundle))

    def _made_folder(self) -> Path:
        """The temporary folder, with the worker archive in it."""
        if self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix="pymw-"))
            (folder / "worker.zip").write_bytes(worker_archive.build()[1])
            self._folder = folder
        return self._folder

    def _started(self, folder: Path, number: int) -> Resident:
        slot = folder / f"slot{number}"
        slot.mkdir(exist_ok=True)
        resident = Resident(
            self._python, folder / "worker.zip", slot, lambda answer: self._answered(number, resident, answer)
        )
        with self._lock:
            self._residents[number] = resident
        return resident

    def _answered(self, number: int, resident: Resident, answer: list[str]) -> None:
        """A worker is done with its task, or dead. Called by its thread."""
        kind, words = answer[0], " ".join(answer[1:])
        if kind == "done":
            end = read_ending(resident.folder / names.RESULT, resident.folder / names.LOG)
        elif kind == "died":
            with self._lock:
                self._residents.pop(number, None)
            end = Ending(ending.DIED, message=words)
        else:
            end = Ending(ending.REFUSED, error=InterfaceError(f"the worker could not run the task: {words}"))
        self._ended(number, end)

    def _ended(self, number: int, end: Ending) -> None:
        task = self._free(number)
        if task is not None:
            self.listener.ended([(task, end)])
        else:
            self.listener.room_again()

    def _free(self, number: int) -> Task | None:
        """The worker has nothing to do any more; returns its task unless that was cancelled."""
        with self._lock:
            if number not in self._idle:
                self._idle.append(number)
            return self._tasks.pop(number, None)
