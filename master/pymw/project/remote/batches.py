"""Batches that were submitted from elsewhere. Their jobs are the workunits whose batch has this name."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import IntEnum

from pymw.project.states import State

_TABLE = """
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created REAL NOT NULL,
    expires REAL NOT NULL, state INTEGER NOT NULL
)"""
_COUNT = """
SELECT count(*) AS jobs, total(error_mask != 0) AS failed, count(canonical) AS succeeded
FROM workunit WHERE batch = ?"""
# Whatever changes a workunit is in the times of its results, but a failure, which is always told.
_STATUSES = f"""
SELECT name, error_mask, canonical,
    (SELECT max(sent) FROM result WHERE workunit = workunit.id) IS NOT NULL AS was_sent
FROM workunit WHERE batch = :batch AND (created > :since OR error_mask != 0 OR EXISTS (
    SELECT 1 FROM result WHERE workunit = workunit.id AND state != {State.UNSENT:d}
    AND (sent > :since OR received > :since)))
ORDER BY id"""


class BatchState(IntEnum):
    """BOINC's numbers. A retired batch (4) is removed here."""

    INIT = 0
    IN_PROGRESS = 1
    COMPLETE = 2
    ABORTED = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch. created, expires: unix time; expires 0: never. jobs, failed, succeeded: how many."""

    id: int
    name: str
    created: float
    expires: float
    state: BatchState
    jobs: int
    failed: int
    succeeded: int


def ensure(db: sqlite3.Connection) -> None:
    """Let a project's database have batches. Raises sqlite3.Error."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'batch'").fetchone() is None:
        db.execute(_TABLE)


def create(db: sqlite3.Connection, name: str, expires: float, now: float) -> int | None:
    """Make a batch; returns its id, None if there is one of that name."""
    row = db.execute(
        "INSERT INTO batch (name, created, expires, state) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO NOTHING RETURNING id",
        (name, now, expires, BatchState.INIT),
    ).fetchone()
    return None if row is None else int(row["id"])


def find(db: sqlite3.Connection, identity: int, name: str) -> Batch | None:
    """The batch of this id, or, if that is 0, of this name."""
    column, value = ("id", identity) if identity else ("name", name)
    row = db.execute(f"SELECT * FROM batch WHERE {column} = ?", (value,)).fetchone()
    return None if row is None else _batch(db, row)


def every(db: sqlite3.Connection) -> list[Batch]:
    """All batches."""
    return [_batch(db, row) for row in db.execute("SELECT * FROM batch ORDER BY id").fetchall()]


def expired(db: sqlite3.Connection, now: float) -> list[str]:
    """The names of batches whose time is over."""
    rows = db.execute("SELECT name FROM batch WHERE expires > 0 AND expires < ?", (now,))
    return [row["name"] for row in rows]


def set_state(db: sqlite3.Connection, identity: int, state: BatchState) -> None:
    """A batch is in this state now."""
    db.execute("UPDATE batch SET state = ? WHERE id = ?", (state, identity))


def remove(db: sqlite3.Connection, name: str) -> None:
    """There is no such batch any more; its jobs are to be removed apart."""
    db.execute("DELETE FROM batch WHERE name = ?", (name,))


def statuses(db: sqlite3.Connection, name: str, since: float) -> dict[str, str]:
    """How far jobs of a batch are, by name: those that have changed since then, and perhaps others."""
    found = {}
    for row in db.execute(_STATUSES, {"batch": name, "since": since}):
        status = "IN_PROGRESS" if row["was_sent"] else "UNSENT"
        if row["canonical"] is not None:
            status = "DONE"
        elif row["error_mask"]:
            status = "ERROR"
        found[row["name"]] = status
    return found


def _batch(db: sqlite3.Connection, row: sqlite3.Row) -> Batch:
    count = db.execute(_COUNT, (row["name"],)).fetchone()
    jobs, failed, succeeded = count["jobs"], int(count["failed"]), count["succeeded"]
    state = BatchState(row["state"])
    if state == BatchState.IN_PROGRESS and failed + succeeded == jobs:
        state = BatchState.COMPLETE
    return Batch(row["id"], row["name"], row["created"], row["expires"], state, jobs, failed, succeeded)
