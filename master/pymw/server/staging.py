"""Input files in a stock project's download folder.

A code bundle is known by its content, and stays until no batch needs it; TASK_DIR has a mark for each batch
that does. An arguments file has the name of its job, and BOINC's file_deleter removes it when the job ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymw_packager.names import APP
from pymw_worker import durable

from pymw.boinc.backend import Job
from pymw.errors import ProjectError
from pymw.server import file_system
from pymw.server.home import ServerHome
from pymw.server.task_folder import BUNDLES, TaskFolder

STAGING = "staging"  # in a batch's folder: jobs whose arguments are being staged, a line each
_DIGITS = 32  # of the SHA-256
_READABLE = 0o644  # the web server is another user
_FEW = 8  # files, for which a sync of each costs less than one of the file system


@dataclass(frozen=True)
class Bundle:
    """A staged code bundle: its name, its URL, its size in bytes, its MD5."""

    name: str
    url: str
    nbytes: int
    md5: str


class Staging:
    """Puts input files where volunteers get them. Its methods raise ProjectError."""

    def __init__(self, home: ServerHome, folder: TaskFolder) -> None:
        self._home = home
        self._folder = folder
        self._made = set[Path]()

    def bundle(self, data: bytes, batch: str) -> Bundle:
        """Stage a code bundle for a batch, whose folder is made."""
        name = f"{APP}_bundle_{hashlib.sha256(data).hexdigest()[:_DIGITS]}"
        path = self._home.in_download(name)
        with self._folder.locked(), _explained(path):
            # The mark comes first: whoever removes a batch looks for marks, with the same lock held.
            (self._folder.create(batch).folder / BUNDLES / name).touch()
            if not path.is_file() or path.stat().st_size != len(data):
                self._make_folder(path.parent, sync=True)
                durable.write_bytes(str(path), data)
                path.chmod(_READABLE)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return Bundle(name, self._home.url_of(name), len(data), md5)

    def arguments(self, jobs: Sequence[Job], batch: str) -> None:
        """Stage the arguments of jobs, so that they survive a power failure as their rows will.

        `created` must be called when the jobs are in the database.
        """
        note = self._note(batch)
        with _explained(note):
            durable.write_bytes(str(note), "".join(f"{job.name}\n" for job in jobs).encode("ascii"))
        few = len(jobs) <= _FEW
        for job in jobs:
            path = self._arguments(job.name)
            with _explained(path):
                self._make_folder(path.parent, few)
                _put(path, job.arguments, few)
        if not few:
            with _explained(self._home.download_dir):
                file_system.sync(self._home.download_dir)

    def created(self, batch: str, missing: Sequence[str] = ()) -> None:
        """The jobs that were staged last are in the database, but for these, whose files are removed."""
        for name in missing:
            path = self._arguments(name)
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.md5").unlink(missing_ok=True)  # create_work's own note
        self._note(batch).unlink(missing_ok=True)

    def unsure(self, batch: str) -> list[str]:
        """The jobs that a program was staging when it was killed."""
        try:
            return self._note(batch).read_text("ascii").split()
        except FileNotFoundError:
            return []

    def remove(self, batch: str) -> None:
        """Remove a batch's folder, and the bundles that no batch needs any more."""
        with self._folder.locked(), _explained(self._folder.path / batch):
            self._folder.remove(batch, lambda name: self._home.in_download(name).unlink(missing_ok=True))

    @staticmethod
    def arguments_name(job: str) -> str:
        """The name of a job's arguments file."""
        return f"{job}_arguments"

    def _arguments(self, job: str) -> Path:
        return self._home.in_download(self.arguments_name(job))

    def _note(self, batch: str) -> Path:
        return self._folder.path / batch / STAGING

    def _make_folder(self, folder: Path, sync: bool) -> None:
        if folder not in self._made:
            if not folder.is_dir():
                with contextlib.suppress(FileExistsError):
                    folder.mkdir()
                    # BOINC's own programs, other users perhaps, remove files from it.
                    folder.chmod(self._home.download_dir.stat().st_mode & 0o7777)
                if sync:
                    file_system.sync_folder(self._home.download_dir)
            self._made.add(folder)


def _put(path: Path, data: bytes, sync: bool) -> None:
    """Write a file under another name, and rename it."""
    temporary = path.with_name(path.name + durable.TEMPORARY)
    with temporary.open("wb") as file:
        os.fchmod(file.fileno(), _READABLE)
        file.write(data)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    if sync:
        durable.replace(str(temporary), str(path))
    else:
        temporary.replace(path)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProjectError(f"{error.filename or path} cannot be written: {error.strerror}") from error
