"""The folder of a run: where it is, whether it is one, and who works on it."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from pymw.errors import RunError

DATABASE, LOCK, OWNER = "run.sqlite", "lock", "owner.json"
PARENT, PARENT_VARIABLE = "pymw_runs", "PYMW_RUNS"
APPLICATION = int.from_bytes(b"PyMW", "big")  # SQLite's application_id, at byte 68 of a database
SCHEMA = 1  # SQLite's user_version, at byte 60

_MAGIC = b"SQLite format 3\0"
_PATIENCE = 0.5  # seconds for which another program's look at the lock may delay us


def parent() -> Path:
    """The folder that holds the runs that have no path of their own."""
    return Path(os.environ.get(PARENT_VARIABLE) or PARENT)


def find(run: str | PathLike[str]) -> Path:
    """The folder of a run. Raises RunError for a name that names none.

    run: a name for a folder under parent(); a name with a path separator, or a Path, is the folder itself.
    """
    name = os.fspath(run)
    if name in ("", ".", "..") or "\0" in name:
        raise RunError(f"a run cannot be named {name!r}")
    if not isinstance(run, str) or os.sep in name or (os.altsep and os.altsep in name):
        return Path(name)
    return parent() / name


def is_run(folder: Path) -> bool:
    """Whether there is a run in this folder, whatever its state."""
    return (folder / DATABASE).is_file()


@contextmanager
def told(folder: Path, doing: str) -> Iterator[None]:
    """Turns errors of SQLite and the system into a RunError. doing: "read", "written"."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "malformed" in text or "not a database" in text:
            raise RunError(f"the run {folder} is damaged ({text}): restore it, or use another one") from error
        if "full" in text:
            raise RunError(f"the run {folder} cannot be {doing}: the disk is full") from error
        if "readonly" in text or "unable to open" in text:
            raise RunError(f"the run {folder} cannot be {doing}: no permission ({text})") from error
        raise RunError(f"the run {folder} cannot be {doing}: {text}") from error
    except OSError as error:
        raise RunError(f"the run {folder} cannot be {doing}: {error.strerror or error}") from error


def check(folder: Path) -> None:
    """See, without changing anything, whether a folder is a run or may become one. Raises RunError."""
    with told(folder, "read"):
        if not folder.exists():
            return
        if not folder.is_dir():
            raise RunError(f"the run {folder} is a file: name a folder")
        if not is_run(folder):
            others = {entry.name for entry in folder.iterdir()} - {LOCK, OWNER}
            others = {name for name in others if not name.startswith((OWNER, LOCK))}
            if others:
                raise RunError(f"the folder {folder} holds other things, such as {min(others)}, and no run")
            return
        _check_head(folder)


def _check_head(folder: Path) -> None:
    """The schema is written to the database itself before the log is, so that its head tells what it is."""
    with (folder / DATABASE).open("rb") as file:
        head = file.read(100)
    if not head or (folder / f"{DATABASE}-journal").exists():
        return  # its making was interrupted: SQLite undoes it
    if not head.startswith(_MAGIC) or len(head) < 100:
        raise RunError(f"the run {folder} is damaged: its {DATABASE} is no database")
    if int.from_bytes(head[68:72], "big") != APPLICATION:
        raise RunError(f"the folder {folder} is no run: its {DATABASE} was made by another program")
    if int.from_bytes(head[60:64], "big") > SCHEMA:
        raise RunError(f"the run {folder} was made by a newer PyMW: update this one")


class Lock:
    """Held by the one program that works on a run. The system ends it with the process, however that ends.

    It is an exclusive lock of SQLite's on an empty database: the same on all systems, and between two masters
    of one process as well.
    """

    def __init__(self, folder: Path) -> None:
        """Take it. Raises RunError that names the process that has it."""
        with told(folder, "written"):
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(folder / LOCK, _PATIENCE)
            try:
                self._connection.execute("BEGIN EXCLUSIVE")
                _write_owner(folder)
            except BaseException as error:
                self._connection.close()
                if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                    raise RunError(f"the run {folder} is in use by {_described(owner(folder))}") from error
                raise

    def release(self) -> None:
        """Let others have it. May be called twice."""
        self._connection.close()


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)


def _write_owner(folder: Path) -> None:
    facts = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "program": sys.argv[0]}
    temporary = folder / f"{OWNER}.new"
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    temporary.replace(folder / OWNER)


def owner(folder: Path) -> dict[str, Any]:
    """Who worked on the run last: pid, host, since (unix time), program; {} if that is not known."""
    try:
        facts = json.loads((folder / OWNER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def in_use(folder: Path) -> bool:
    """Whether a program works on the run now."""
    if not (folder / LOCK).exists():
        return False
    try:
        probe = sqlite3.connect(f"{(folder / LOCK).absolute().as_uri()}?mode=ro", uri=True, timeout=0)
        try:
            probe.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        finally:
            probe.close()
    except sqlite3.Error as error:
        return "locked" in str(error)
    return False


def _described(facts: dict[str, Any]) -> str:
    if not {"pid", "host", "since"} <= facts.keys():
        return "another program"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(facts["since"]))
    return f"process {facts['pid']} on {facts['host']} since {since}: wait for it, or end it"
