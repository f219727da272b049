"""The BOINC interface: tasks run on the computers of volunteers.

Each task is a job of a BOINC project. Its code bundle is staged once and shared by all tasks of the function;
its arguments are a small file. What comes back is from strangers: it is read without unpickling it.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymw_worker import signatures

from pymw import ending, key_files, results, signing
from pymw.boinc import projects
from pymw.boinc.backend import Backend, Ended, Job
from pymw.boinc.endings import ending_of
from pymw.ending import Ending
from pymw.errors import InterfaceError, PyMWError
from pymw.functions import CodeBundle
from pymw.interfaces.base import Interface, Listener, Task
from pymw.server.manager import Manager

__all__ = ["BOINCInterface", "Manager"]

_WAITING = 10_000  # jobs that a project has of one master at most, so that priorities keep their meaning
_NEWS = 1.0  # seconds that a look for news waits
_LOOK = 2.0  # seconds between looks at who works on what
_LOOKED_AT = 500  # jobs at a time
_SPARE = 1 << 20  # bytes of a result file beside its value


class BOINCInterface(Interface):
    """Sends tasks to the volunteers of a project."""

    any_python = True

    def __init__(
        self,
        project_home: str | Path,
        custom_app_dir: str | Path | None = None,
        custom_args: Iterable[str] = (),
        task_path: str | Path = "tasks",
        key: str | Path | None = None,
        account: str | Path | None = None,
    ) -> None:
        """Open a project. Raises InterfaceError or ProjectError, in one sentence.

        project_home: its folder or URL. custom_app_dir: a folder with app versions that pymw-package built,
        which are added to an embedded project. custom_args: more arguments for the application. task_path:
        not used; pymw_setup says where a stock server puts results. key: file of the task key that signs;
        None: the project's, or that of `pymw keys create`. account: file with the account key for a URL;
        None: the environment's, or the one that `pymw account add` has kept.
        """
        self._backend: Backend = projects.open_backend(project_home, custom_app_dir, account)
        try:
            self._key = _task_key(self._backend, Path(key) if key else None)
        except BaseException:
            self._backend.close()
            raise
        self._arguments = " ".join(custom_args)
        self._demand = self._backend.demand()
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        self._names: dict[Task, str] = {}
        self._staged: dict[str, str] = {}
        self._batch = f"pymw_{uuid.uuid4().hex[:12]}"
        self._batches = {self._batch}
        self._number = 0
        self._broken: PyMWError | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._collect, name="pymw boinc", daemon=True)

    def set_boinc_args(
        self,
        target_nresults: int = 2,
        min_quorum: int = 1,
        max_nbytes: int = 65536,
        delay_bound: float | None = None,
    ) -> None:
        """Say what is asked for each task from now on.

        target_nresults: computers that get it. min_quorum: equal results that are needed. max_nbytes: of a
        result, bytes. delay_bound: seconds that a computer has for it. Raises ValueError.
        """
        if not 1 <= min_quorum <= target_nresults:
            raise ValueError(
                f"min_quorum is {min_quorum}: it must be from 1 to target_nresults, {target_nresults}"
            )
        self._demand = dataclasses.replace(
            self._demand,
            target_nresults=target_nresults,
            min_quorum=min_quorum,
            max_nbytes=max_nbytes,
            delay_bound=delay_bound or self._demand.delay_bound,
        )

    def open(self, listener: Listener) -> None:
        """Begin to listen for what volunteers send."""
        super().open(listener)
        self._read = results.untrusted_reader(self.allow)
        self._thread.start()

    def read(self, data: bytes) -> Any:
        """A value from a stranger: plain data, arrays, and the classes that Master(allow=...) names."""
        return self._read(data)

    def room(self) -> int:
        """How many more jobs the project gets."""
        return _WAITING - len(self._names)

    def start(self, tasks: list[Task]) -> None:
        """Stage what is new, and submit a job for each task."""
        if self._broken is not None:
            raise self._broken
        named: dict[str, Task] = {}
        jobs: list[Job] = []
        for task in tasks:
            call, bundle = task.call, task.bundle
            if call is not None and bundle is not None:  # else it was cancelled in the meantime
                self._number += 1
                name = f"{self._batch}_{self._number}"
                named[name] = task
                jobs.append(self._job(name, bundle, call))
        self.listener.note([(task, name) for name, task in named.items()])
        # Before they are submitted: a job may end before `submit` returns.
        self._know(named)
        try:
            self._backend.submit(jobs, self._batch)
        except PyMWError:
            self._forget(named)
            raise

    def adopt(self, tasks: list[tuple[Task, str]]) -> list[Task]:
        """Find the jobs of an earlier program again; those that have ended since are reported at once."""
        known = self._backend.known([name for _, name in tasks if name])
        found = {name: task for task, name in tasks if name in known}
        # Also those of which nothing is known: an earlier program may have been killed as it submitted them.
        self._batches.update(name.rpartition("_")[0] for _, name in tasks if name)
        self._know(found)
        # The listening thread began before, and has passed over the news of them.
        self._report(self._backend.ended(sorted(known)))
        return list(found.values())

    def cancel(self, task: Task) -> None:
        """Cancel a job. A volunteer who has it hears of it at the client's next request."""
        with self._lock:
            name = self._names.pop(task, None)
            self._tasks.pop(name or "", None)
        if name is not None and not self._closing.is_set():
            self._backend.cancel([name])

    def close(self) -> None:
        """Cancel what has not ended, and remove what this program has left in the project."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            left = list(self._tasks)
        self._backend.cancel(left)
        for batch in self._batches:
            self._backend.forget(batch)
        self._backend.close()

    def get_status(self) -> dict[str, Any]:
        """What the project says of itself."""
        return {"jobs": len(self._names), **self._backend.status()}

    def _job(self, name: str, bundle: CodeBundle, call: bytes) -> Job:
        if bundle.digest not in self._staged:
            self._staged[bundle.digest] = self._backend.stage(self._signed(bundle.data), self._batch)
        line = f"--python {bundle.python} --max-result {self._demand.max_nbytes} --task {name}"
        return Job(
            name=name,
            bundle=self._staged[bundle.digest],
            arguments=self._signed(bundle.arguments_file(name, call)),
            command_line=f"{line} {self._arguments}".strip(),
            demand=dataclasses.replace(self._demand, max_nbytes=self._demand.max_nbytes + _SPARE),
        )

    def _know(self, named: Mapping[str, Task]) -> None:
        with self._lock:
            self._tasks.update(named)
            self._names.update((task, name) for name, task in named.items())

    def _forget(self, names: Iterable[str]) -> None:
        with self._lock:
            for name in names:
                if (task := self._tasks.pop(name, None)) is not None:
                    self._names.pop(task, None)

    def _signed(self, data: bytes) -> bytes:
        return data if self._key is None else signing.sign(data, self._key)

    # The thread that listens.

    def _collect(self) -> None:
        """Report what has ended, and who works on what, until this is closed."""
        next_look = time.monotonic() + _LOOK
        while not self._closing.is_set():
            try:
                self._report(self._backend.news(_NEWS))
                if time.monotonic() >= next_look:
                    self._look()
                    next_look = time.monotonic() + _LOOK
            except PyMWError as error:
                self._fail(error)
                return

    def _report(self, jobs: Sequence[Ended]) -> None:
        with self._lock:
            ours = [(self._tasks.pop(job.name), job) for job in jobs if job.name in self._tasks]
            for task, _ in ours:
                self._names.pop(task, None)
        reports = []
        for task, job in ours:
            if not task.running():
                self.listener.started(task, job.by.get("host"))
            reports.append((task, ending_of(job, self._demand.max_nbytes + _SPARE)))
        if reports:
            self.listener.ended(reports)

    def _look(self) -> None:
        """Note which tasks volunteers have begun with."""
        with self._lock:
            waiting = [(name, task) for name, task in self._tasks.items() if not task.running()]
        for start in range(0, len(waiting), _LOOKED_AT):
            some = dict(waiting[start : start + _LOOKED_AT])
            for name, who in self._backend.working(list(some)).items():
                self.listener.started(some[name], who)

    def _fail(self, error: PyMWError) -> None:
        """The project cannot be read any more: that is the end of all tasks."""
        self._broken = error
        with self._lock:
            tasks = list(self._names)
            self._names.clear()
            self._tasks.clear()
        self.listener.ended([(task, Ending(ending.REFUSED, error=error)) for task in tasks])


def _task_key(backend: Backend, named: Path | None) -> key_files.TaskKey | None:
    """The key that signs the project's tasks, None if they are not signed.

    Raises InterfaceError, KeyFileError.
    """
    trusted, secret = backend.task_keys()
    if not trusted and named is None:
        return None
    key = key_files.load(named or secret, os.environ.get(key_files.PASSPHRASE, ""))
    if trusted and key.public not in trusted:
        wanted = " or ".join(signatures.key_id(public) for public in trusted)
        raise InterfaceError(
            f"the project's tasks are to be signed with the key {wanted}, not {key.id}: name its file by key="
        )
    return key
