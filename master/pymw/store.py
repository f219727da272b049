"""What a run keeps: its tasks and how they ended, in one SQLite database.

The log mode (WAL) lets others read while a program writes. With synchronous=NORMAL a killed program loses
nothing that was committed; a power failure may lose the last commits, never damage the rest.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymw import run_folder
from pymw.ending import Ending
from pymw.errors import RunError
from pymw.run_folder import told

WAITING, HANDED, FINISHED, FAILED = range(4)
LARGEST = 1_000_000_000 - 65_536  # bytes of a row: SQLite's own limit, and something for its other columns

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE functions (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    function INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    submitted REAL NOT NULL,
    started REAL,
    finished REAL,
    elapsed REAL,
    worker TEXT,
    handle TEXT,
    arguments BLOB NOT NULL
);
CREATE TABLE endings (
    task INTEGER PRIMARY KEY, status TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
    log TEXT NOT NULL, data BLOB
);
PRAGMA application_id = {run_folder.APPLICATION};
PRAGMA user_version = {run_folder.SCHEMA};
COMMIT;
"""
_BUSY = 30.0  # seconds; another program holds the database for an instant only, such as to restore its log
_LOG_PAGES = (
    4000  # of 4 KiB, after which the log is copied into the database: that costs two syncs of the disk
)

Row = tuple[Any, ...]


@dataclass(slots=True)
class Known:
    """A task as an earlier program left it. handle: the interface's own text about it."""

    number: int
    state: int
    attempts: int
    worker: str | None
    handle: str | None


@dataclass(slots=True)
class Changes:
    """Rows that are written together, in this order. Later ones of a task count."""

    functions: list[Row] = field(default_factory=list)  # id, key, name
    new: list[Row] = field(default_factory=list)  # as named in _STATEMENTS
    handed: list[Row] = field(default_factory=list)  # attempts to add, number
    handles: list[Row] = field(default_factory=list)  # handle, number
    ended: list[Row] = field(default_factory=list)  # state, started, finished, elapsed, worker, number
    endings: list[Row] = field(default_factory=list)  # task, status, kind, message, log, data
    released: list[Row] = field(default_factory=list)  # number: handed over, but not wanted any more
    again: list[Row] = field(default_factory=list)  # number: failed earlier, waits again


_STATEMENTS = {
    "functions": "INSERT INTO functions (id, key, name) VALUES (?, ?, ?)",
    "new": "INSERT INTO tasks (number, key, function, state, attempts, submitted, arguments)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)",
    "again": f"UPDATE tasks SET state = {WAITING} WHERE number = ? AND state = {FAILED}",
    "handed": f"UPDATE tasks SET state = {HANDED}, attempts = attempts + ? WHERE number = ?",
    "handles": "UPDATE tasks SET handle = ? WHERE number = ?",
    "ended": "UPDATE tasks SET state = ?, started = ?, finished = ?, elapsed = ?, worker = ?"
    " WHERE number = ?",
    "endings": "INSERT OR REPLACE INTO endings (task, status, kind, message, log, data)"
    " VALUES (?, ?, ?, ?, ?, ?)",
    "released": f"UPDATE tasks SET state = {WAITING} WHERE number = ? AND state = {HANDED}",
}


class Store:
    """The database of the run that this program works on. One thread writes, others look tasks up.

    empty: whether it knew no task when it was opened. next_number: for the first new task. functions: ids of
    the functions by key.
    """

    def __init__(self, folder: Path, adopts: bool = False) -> None:
        """Open a run, or make one. Raises RunError.

        adopts: whether the interface can find tasks again that a program before had handed to it.
        """
        run_folder.check(folder)
        self.folder = folder
        self._reading = threading.Lock()
        with contextlib.ExitStack() as opened:
            opened.callback(run_folder.Lock(folder).release)
            with told(folder, "written"):
                self._writer = opened.enter_context(contextlib.closing(_connect(folder)))
                self._prepare([WAITING] if adopts else [WAITING, HANDED])
                self._reader = opened.enter_context(contextlib.closing(_connect(folder)))
            self._opened = opened.pop_all()

    def _prepare(self, gone: list[int]) -> None:
        write = self._writer.execute
        if not write("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
            self._writer.executescript(_SCHEMA)
        write("PRAGMA journal_mode = WAL")
        write("PRAGMA synchronous = NORMAL")
        write(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        # Tasks of a program that is gone: this one submits those that it still wants.
        write(f"DELETE FROM tasks WHERE state IN ({', '.join(map(str, gone))})")
        self.next_number = int(write("SELECT IFNULL(MAX(number), 0) + 1 FROM tasks").fetchone()[0])
        self.empty = self.next_number == 1
        self.functions: dict[bytes, int] = dict(write("SELECT key, id FROM functions").fetchall())

    def write(self, changes: Changes) -> None:
        """Write all of it, or nothing. Raises RunError."""
        with told(self.folder, "written"):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                for name, statement in _STATEMENTS.items():
                    rows = getattr(changes, name)
                    if rows:
                        self._writer.executemany(statement, rows)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def find(self, key: bytes) -> Known | None:
        """What is known of a task. Raises RunError."""
        with told(self.folder, "read"), self._reading:
            row = self._reader.execute(
                "SELECT number, state, attempts, worker, handle FROM tasks WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None else Known(*row)

    def ending(self, number: int) -> Ending | None:
        """How a task ended. Raises RunError."""
        with told(self.folder, "read"), self._reading:
            row = self._reader.execute(
                "SELECT status, log, data FROM endings WHERE task = ?", (number,)
            ).fetchone()
        return None if row is None else unpacked(*row)

    def close(self) -> None:
        """Let others have the run. May be called twice."""
        with self._reading:
            self._opened.close()


def _connect(folder: Path) -> sqlite3.Connection:
    path = folder / run_folder.DATABASE
    return sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)


def open_to_read(folder: Path) -> sqlite3.Connection:
    """A connection that only reads, whoever writes at the same time. Raises RunError."""
    run_folder.check(folder)
    if not run_folder.is_run(folder):
        raise RunError(f"there is no run in {folder}")
    with told(folder, "read"):
        try:
            connection, tables = _connect_to_read(folder, "mode=ro")
        except sqlite3.OperationalError:
            if (folder / f"{run_folder.DATABASE}-wal").exists():
                raise
            # A closed run of somebody else's: SQLite would make a log first, which it may not here.
            connection, tables = _connect_to_read(folder, "mode=ro&immutable=1")
    if not tables:
        connection.close()
        raise RunError(f"the run {folder} is empty: the program that made it was ended at once")
    return connection


def _connect_to_read(folder: Path, how: str) -> tuple[sqlite3.Connection, int]:
    """A connection, and how many tables there are."""
    address = f"{(folder / run_folder.DATABASE).absolute().as_uri()}?{how}"
    connection = sqlite3.connect(address, uri=True, timeout=_BUSY, isolation_level=None)
    try:
        return connection, connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    except BaseException:
        connection.close()
        raise


_LOGGED = ("type", "message", "traceback", "stdout", "stderr", "facts", "started", "finished")


def packed(end: Ending) -> str:
    """What is kept of an ending besides its status and data; JSON, as that takes any text."""
    log = {name: getattr(end, name) for name in _LOGGED}
    return json.dumps({name: value for name, value in log.items() if value})


def unpacked(status: str, log: str, data: bytes | None) -> Ending:
    """The Ending again."""
    return Ending(status, data, **json.loads(log))


def clean(text: object) -> str:
    """Text as SQLite takes it: without halves of surrogate pairs."""
    return str(text).encode("utf-8", "backslashreplace").decode()
