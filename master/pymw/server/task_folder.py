"""TASK_DIR: where pymw_assimilator puts what has ended, and programs fetch it.

    TASK_DIR/BATCH/             made by a program for its jobs, removed by it when it has all of them
        ended.jsonl             a line for each job that has ended, in that order; the first of a job counts
        JOB.result  JOB.log     the output files of the canonical result; they are there before the line is
        bundles/NAME            an empty file for each code bundle in the project's download folder that this
                                batch needs: a bundle goes when no batch needs it
        staging                 while jobs are submitted: their names, a line each (staging.py)
    TASK_DIR/.lock              held while bundles are staged or removed; a folder without it is no TASK_DIR

BATCH is a job's name up to the last underscore. A job whose batch has no folder (any more) is of no interest
to anybody. A line is a JSON object, the fields of backend.Ended but for result and log, which are true or
false: whether there is such a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymw.boinc.backend import Ended
from pymw.errors import ProjectError
from pymw.server import file_system

JOURNAL, BUNDLES, LOCK = "ended.jsonl", "bundles", ".lock"
RESULT, LOG = ".result", ".log"
_FIELDS: dict[str, Any] = {
    "name": str,
    "result": bool,
    "log": bool,
    "reason": str,
    "exit_status": (int, type(None)),
    "stderr": str,
    "cancelled": bool,
    "by": dict,
}


def batch_of(job: str) -> str:
    """The batch of a job, by its name."""
    return job.rpartition("_")[0]


@dataclass
class Batch:
    """The folder of a batch.

    read_to: bytes of its journal that `news` has returned. seen: the jobs that were in them.
    """

    folder: Path
    read_to: int = 0
    seen: set[str] = field(default_factory=set, repr=False)

    def exists(self) -> bool:
        """Whether its program still wants it. Raises ProjectError if that cannot be known."""
        try:
            self.folder.stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ProjectError(f"{self.folder} cannot be read: {error.strerror}") from error
        return True

    def file(self, job: str, suffix: str) -> Path:
        """Where the output file of a job is. suffix: RESULT or LOG."""
        return self.folder / (job + suffix)

    def news(self) -> list[Ended]:
        """Jobs that have ended since the last call. Raises ProjectError if it cannot be read."""
        try:
            whole = self._journal(self.read_to)
        except OSError as error:
            raise ProjectError(f"{self.folder / JOURNAL} cannot be read: {error.strerror}") from error
        self.read_to += len(whole)
        found = []
        for line in whole.splitlines():
            ended = self._ended(line)
            if ended is not None and ended.name not in self.seen:
                self.seen.add(ended.name)
                found.append(ended)
        return found

    def recorded(self) -> set[str]:
        """All jobs in the journal. Raises OSError."""
        found = map(self._ended, self._journal(0).splitlines())
        return {ended.name for ended in found if ended is not None}

    def record(self, lines: Iterable[bytes]) -> None:
        """Append lines to the journal, durably. Raises OSError."""
        path = self.folder / JOURNAL
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            end = os.lseek(handle, 0, os.SEEK_END)
            # A killed writer's half line must not swallow the next one.
            torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
            data = memoryview((b"\n" if torn else b"") + b"".join(lines))
            while data:
                data = data[os.write(handle, data) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if end == 0:  # it is new, and so is its name
            file_system.sync_folder(self.folder)

    def _journal(self, start: int) -> bytes:
        """The whole lines from there on; one without its end is being written, or its writer was killed."""
        try:
            with (self.folder / JOURNAL).open("rb") as journal:
                journal.seek(start)
                data = journal.read()
        except FileNotFoundError:
            return b""
        return data[: data.rfind(b"\n") + 1]

    def _ended(self, line: bytes) -> Ended | None:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return None  # half a line, whose writer was killed: the whole one follows
        if not isinstance(found, dict) or found.keys() != _FIELDS.keys():
            return None
        if not all(isinstance(found[name], kind) for name, kind in _FIELDS.items()):
            return None
        job, by = found["name"], found["by"]
        if batch_of(job) != self.folder.name or not all(isinstance(each, str) for each in by.values()):
            return None
        for name, suffix in (("result", RESULT), ("log", LOG)):
            found[name] = self.file(job, suffix) if found[name] else None
        return Ended(**found)


def line_of(ended: Ended) -> bytes:
    """The journal's line for a job."""
    facts = {**vars(ended), "result": ended.result is not None, "log": ended.log is not None}
    return json.dumps(facts).encode("ascii") + b"\n"


@dataclass(frozen=True)
class TaskFolder:
    """A TASK_DIR."""

    path: Path

    def make(self) -> None:
        """Make it. Raises ProjectError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectError(f"{self.path} cannot be made: {error.strerror}") from error
        with self.locked():
            pass

    def check(self) -> None:
        """Raises ProjectError if it is not there, or is the place of a file system that is not mounted."""
        try:
            (self.path / LOCK).lstat()
        except FileNotFoundError as error:
            raise ProjectError(
                f"{self.path} is no folder that pymw_setup has made, or its file system is not mounted"
            ) from error
        except OSError as error:
            raise ProjectError(f"{self.path} cannot be read: {error.strerror}") from error

    def batch(self, name: str) -> Batch:
        """The batch of this name, whether it is there or not."""
        return Batch(self.path / name)

    def batches(self) -> list[str]:
        """The names of the batches that programs wait for; none if there is no such folder."""
        return sorted(path.parent.name for path in self.path.glob(f"[!.]*/{BUNDLES}"))

    def create(self, name: str) -> Batch:
        """Make the folder of a batch, as open to others as TASK_DIR is. Raises ProjectError."""
        batch = self.batch(name)
        try:
            (batch.folder / BUNDLES).mkdir(parents=True, exist_ok=True)
            mode = self.path.stat().st_mode & 0o7777
            for folder in (batch.folder, batch.folder / BUNDLES):
                folder.chmod(mode)
        except OSError as error:
            raise ProjectError(f"{batch.folder} cannot be made: {error.strerror}") from error
        return batch

    def remove(self, name: str, drop: Callable[[str], None]) -> None:
        """Remove a batch and everything in it, if it is there; while `locked`. Raises OSError.

        drop: called with each code bundle that no batch needs any more.
        """
        # Renamed first, so that nobody sees half of it, or writes into it.
        with contextlib.suppress(FileNotFoundError):
            (self.path / name).rename(self.path / f".removed-{name}")
        needed = {path.name for path in self.path.glob(f"[!.]*/{BUNDLES}/*")}
        # Also those whose removal a killed program has not finished.
        for going in self.path.glob(".removed-*"):
            for bundle in {path.name for path in (going / BUNDLES).glob("*")} - needed:
                drop(bundle)
            shutil.rmtree(going, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """While bundles are staged or removed, nobody else does. Raises ProjectError."""
        path = self.path / LOCK
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ProjectError(f"{path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
