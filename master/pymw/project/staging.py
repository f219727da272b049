"""Input files: named by their content, so that a name never means two things and equal files are one."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymw.errors import ProjectError
from pymw.project import layout
from pymw.project.layout import Layout

_CHUNK = 1 << 20
_DIGITS = 32  # of the SHA-256
# An input that no workunit uses is removed this many seconds after it was last staged, at the earliest: a
# master may be about to submit workunits that use it.
GRACE = 3600.0


@dataclass(frozen=True, slots=True)
class Staged:
    """An input file: its name, its size in bytes and its MD5, which clients check."""

    name: str
    nbytes: int
    md5: str


def store(place: Layout, data: bytes | Path, kind: str) -> Staged:
    """Put a file where clients can get it. kind: the first part of its name. Raises ProjectError."""
    if not re.fullmatch(r"[a-z][a-z_]{0,31}", kind):
        raise ProjectError(f"{kind!r} is no kind of file: lower-case letters and _, 32 at most")
    try:
        sha256, md5, nbytes = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        for piece in _pieces(data):
            sha256.update(piece)
            md5.update(piece)
            nbytes += len(piece)
        staged = Staged(f"{kind}_{sha256.hexdigest()[:_DIGITS]}", nbytes, md5.hexdigest())
        path = place.download(staged.name)
        if not path.is_file() or path.stat().st_size != nbytes:
            layout.write(path, _pieces(data))
    except OSError as error:
        raise ProjectError(f"{error.filename or 'a file'} cannot be staged: {error.strerror}") from error
    return staged


def record(db: sqlite3.Connection, staged: Sequence[Staged], now: float) -> None:
    """Note that these files are there; belongs into a transaction."""
    db.executemany(
        "INSERT INTO input_file (name, nbytes, md5, created) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET created = excluded.created",
        [(each.name, each.nbytes, each.md5, now) for each in staged],
    )


def drop_unused(db: sqlite3.Connection, now: float) -> list[str]:
    """Forget the inputs that no workunit uses any more; returns the names of their files."""
    rows = db.execute(
        "DELETE FROM input_file WHERE created < ? AND NOT EXISTS"
        " (SELECT 1 FROM input_use WHERE file = name) RETURNING name",
        (now - GRACE,),
    ).fetchall()
    return [row["name"] for row in rows]


def _pieces(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece
