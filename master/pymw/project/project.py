"""A project for the master: it stages files, submits workunits and hears how they ended.

    project = Project.create("lab", name="Our lab", url="http://192.0.2.7:8080/pymw/")
    bundle = project.stage(code, "bundle")
    project.submit([Workunit(name="sweep_1", inputs=(Input(bundle, "pymw_bundle", sticky=True), ...))])
    for news in project.finished_since(0):
        ...

The server (`serve`) is another process on the same folder, and need not run.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from pymw import key_files
from pymw.errors import ProjectConflict, ProjectError
from pymw.project import (
    accounts,
    database,
    forgetting,
    keys,
    layout,
    outcomes,
    settings,
    staging,
    submission,
    versions,
)
from pymw.project.jobs import Input, Output, Workunit
from pymw.project.layout import Layout
from pymw.project.outcomes import Attempt, Counts, Failure, Finished, HostSummary, Progress, Success
from pymw.project.settings import Settings
from pymw.project.uploads import Uploads

__all__ = [
    "Attempt",
    "Counts",
    "Failure",
    "Finished",
    "HostSummary",
    "Input",
    "Output",
    "Progress",
    "Project",
    "Success",
    "Workunit",
]

_POLL_SECONDS = 0.05
_TOGETHER = 500  # workunits in a transaction: the server waits for so many at most


class Project:
    """A project's folder, opened. Any thread may use it; close it at the end, or use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        """Open a project. Raises ProjectError."""
        self.folder = folder.absolute()
        self._place = Layout(self.folder)
        if not self._place.settings.is_file():
            raise ProjectError(f"{folder} is no PyMW project: it has no {self._place.settings.name}")
        self.settings: Settings = settings.read(self._place.settings)
        self._db = database.connect(self._place.database)
        self._lock = threading.Lock()
        self._writes = 0

    @classmethod
    def create(cls, folder: Path | str, task_key: Path | None = None, **about: object) -> Project:
        """Make a project in a new or empty folder, and open it.

        task_key: public key file of whoever signs its tasks elsewhere; None makes a key in the folder, unless
        `unsigned` is set. about: see Settings; name and url are needed. Raises ProjectError if it can't be.
        """
        folder = Path(folder)
        try:
            made = Settings(**about)  # type: ignore[arg-type]
        except TypeError as error:
            raise ProjectError(f"a project cannot be made with these settings: {error}") from error
        place = Layout(folder)
        try:
            if folder.exists() and any(folder.iterdir()):
                raise ProjectConflict(f"{folder} is not empty: a project is made in a folder of its own")
            place.make()
            _make_keys(place)
            if not made.unsigned:
                _make_task_key(place, task_key)
            database.create(place.database)
            with _opened(place) as db:
                accounts.create_owner(db, time.time())
            # Last: this file makes it a project.
            layout.write(place.settings, [settings.text(made).encode()])
        except OSError as error:
            raise ProjectError(f"{error.filename or folder} cannot be made: {error.strerror}") from error
        return cls(folder)

    @classmethod
    def open(cls, folder: Path | str) -> Project:
        """Open a project. Raises ProjectError for what is none."""
        return cls(Path(folder))

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the project. May be called twice."""
        with self._lock:
            self._db.close()

    def owner_key(self) -> str:
        """The key with which clients attach to the account of the project's owner."""
        with self._reading() as db:
            return accounts.owner_key(db)

    def add_version(self, folder: Path | str) -> bool:
        """Add the app version in `…/pymw/VERSION/PLATFORM`, as pymw-package builds it, and sign its files.

        Returns False if it is there already. A running server hands it out at once. Raises ProjectError, also
        for one that trusts no key, unless the project is `unsigned`.
        """
        if not self.settings.unsigned:
            versions.require_trust(Path(folder).absolute())
        key = keys.read_private(layout.read_text(self._place.key("code_sign_private")))
        prepared = versions.prepare(self._place, Path(folder).absolute(), key)
        with self._writing() as db:
            return versions.record(db, prepared, time.time())

    def stage(self, data: bytes | Path, kind: str) -> str:
        """Put an input file where clients can get it; returns its name, which its content decides.

        data: its content, or a file. kind: begins the name, such as "bundle". Equal files are one, which is
        kept as long as a workunit uses it, and for an hour at least. Raises ProjectError.
        """
        return self.stage_all([data], kind)[0]

    def stage_all(self, files: Iterable[bytes | Path], kind: str) -> list[str]:
        """Stage many files, which costs less than one by one."""
        staged = [staging.store(self._place, data, kind) for data in files]
        with self._writing() as db:
            staging.record(db, staged, time.time())
        return [each.name for each in staged]

    def submit(self, workunits: Iterable[Workunit]) -> int:
        """Submit workunits; what is there already with the same content is passed over.

        Returns how many are new. They are taken 500 at a time, each time all or none; what was not taken can
        be submitted again together with what was. Raises ProjectError, ProjectConflict.
        """
        new, every = 0, list(workunits)
        for workunit in every:
            workunit.check()
        for start in range(0, len(every), _TOGETHER):
            with self._writing() as db:
                new += submission.submit(db, every[start : start + _TOGETHER], time.time())
        return new

    def finished_since(self, sequence: int, limit: int = 1000) -> list[Finished]:
        """Workunits that have ended after the one of this sequence number, in order, at most so many."""
        with self._reading() as db:
            return outcomes.finished_since(db, self._place, sequence, limit)

    def finished(self, names: Iterable[str]) -> list[Finished]:
        """How those of these workunits have ended that have."""
        with self._reading() as db:
            return outcomes.finished(db, self._place, names)

    def wait_for_news(self, sequence: int, seconds: float) -> bool:
        """Wait until something has ended after this sequence number; False if nothing has in that time."""
        until, seen = time.monotonic() + seconds, (-1, -1)
        while True:
            with self._reading() as db:
                # Changes when another connection has written anything: much cheaper than to look.
                version = (db.execute("PRAGMA data_version").fetchone()[0], self._writes)
                if version != seen and outcomes.last_sequence(db) > sequence:
                    return True
            seen = version
            if time.monotonic() >= until:
                return False
            time.sleep(min(_POLL_SECONDS, max(0.0, until - time.monotonic())))

    def state_of(self, names: Iterable[str]) -> dict[str, Progress]:
        """How far these workunits are; those that are not known are left out."""
        with self._reading() as db:
            return outcomes.progress(db, names)

    def cancel(self, names: Iterable[str] = (), batch: str | None = None) -> int:
        """Cancel workunits by name, or a whole batch; returns how many were not over yet.

        Their failure is news like another. Clients stop at their next request.
        """
        with self._writing() as db:
            wanted = [*names, *(submission.names_in(db, batch) if batch is not None else [])]
            return submission.cancel(db, wanted)

    def forget(self, batch: str) -> int:
        """Remove all workunits of a batch and their files, cancelled or over; returns how many.

        Raises ProjectError if some are neither.
        """
        with self._writing() as db:
            left = forgetting.forget(db, batch, time.time())
        left.remove(self._place, Uploads(self._place))
        return left.workunits

    def counts(self) -> Counts:
        """How many workunits and results are where."""
        with self._reading() as db:
            return outcomes.counts(db)

    def hosts(self) -> list[HostSummary]:
        """All computers, the one that was last heard of first."""
        with self._reading() as db:
            return outcomes.hosts(db)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise ProjectError(f"{self._place.database} cannot be read: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            with database.transaction(self._db) as db:
                yield db
            self._writes += 1


def _make_keys(place: Layout) -> None:
    key = keys.generate()
    layout.write(place.key("code_sign_private"), [key.text().encode()], layout.PRIVATE)
    layout.write(place.key("code_sign_public"), [key.public.text().encode()])
    layout.write(place.key("upload_secret"), [secrets.token_hex(32).encode()], layout.PRIVATE)


def _make_task_key(place: Layout, public: Path | None) -> None:
    if public is None:
        key_files.create(place.task_key)
    else:
        line = key_files.read_public(public).line
        layout.write(place.task_key.with_suffix(".pub"), [line.encode()])


@contextmanager
def _opened(place: Layout) -> Iterator[sqlite3.Connection]:
    db = database.connect(place.database)
    try:
        with database.transaction(db):
            yield db
    finally:
        db.close()


def app_versions_in(place: Layout) -> Sequence[Path]:
    """The folders of app versions that lie in the project's own apps folder."""
    return sorted(path for path in place.apps.glob("pymw/[!.]*/[!.]*") if path.is_dir())
