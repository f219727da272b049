"""Writing files of the project: by rename, with the mode and owner that they had, and with a backup."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

from pymw_worker import durable

from pymw.errors import ProjectError

BACKUP = ".pymw-backup"


def rewrite(path: Path, data: bytes) -> Path:
    """Give a file other content; returns the backup of the old. Raises ProjectError."""
    path = path.resolve()  # a link stays one
    try:
        old = path.read_bytes()
        backup = _backup(path, old)
        if not backup.exists():
            _write(backup, old, path)
        _write(path, data, path)
    except OSError as error:
        raise ProjectError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return backup


def _backup(path: Path, old: bytes) -> Path:
    """A name for the backup: one that is free, or that holds the same already."""
    for number in itertools.count(1):
        backup = path.with_name(path.name + BACKUP + (f"-{number}" if number > 1 else ""))
        if not backup.exists() or backup.read_bytes() == old:
            return backup
    raise AssertionError("there is always a next number")


def _write(path: Path, data: bytes, like: Path) -> None:
    """Write a file whole, with mode and owner of another. config.xml holds a password: never open to more."""
    facts = like.stat()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchown(handle, facts.st_uid, facts.st_gid)
            os.fchmod(handle, facts.st_mode & 0o7777)
            os.fsync(handle)
        durable.replace(name, str(path))
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def put_program(path: Path, text: str) -> bool:
    """Write a small program that everybody may run; False if it is there already. Raises ProjectError."""
    data = os.fsencode(text)
    try:
        if path.is_file() and path.read_bytes() == data and os.access(path, os.X_OK):
            return False
        # Renamed when it is whole: bin/start may run it at any moment.
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(data)
        fresh.chmod(0o755)
        durable.replace(str(fresh), str(path))
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror}") from error
    return True
