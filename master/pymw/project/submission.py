"""Takes workunits from a master, cancels and forgets them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from pymw.errors import ProjectConflict, ProjectError
from pymw.project import jobs, transitions
from pymw.project.jobs import Workunit
from pymw.project.states import ErrorMask, State

_INSERT = """
INSERT INTO workunit (name, batch, content, job, created, target_nresults, min_quorum, max_error_results,
    max_total_results, delay_bound, memory_bound) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO NOTHING RETURNING id"""


def submit(db: sqlite3.Connection, workunits: Iterable[Workunit], now: float) -> int:
    """Take workunits; one that is there already with the same content is passed over. Returns how many are
    new.

    Raises ProjectError if an input was not staged, ProjectConflict if a name is another workunit's.
    """
    staged, new = set[str](), 0
    for workunit in workunits:
        new += _submit(db, workunit, staged, now)
    return new


def _submit(db: sqlite3.Connection, workunit: Workunit, staged: set[str], now: float) -> int:
    digest = workunit.digest()
    row = (
        *(workunit.name, workunit.batch, digest, workunit.text(), now),
        *(workunit.target_nresults, workunit.min_quorum, workunit.max_error_results),
        *(workunit.max_total_results, workunit.delay_bound, workunit.memory_bound),
    )
    inserted = db.execute(_INSERT, row).fetchone()
    if inserted is None:
        known = db.execute("SELECT content FROM workunit WHERE name = ?", (workunit.name,)).fetchone()
        if known["content"] != digest:
            raise ProjectConflict(f"there is another workunit of the name {workunit.name} already")
        return 0
    for name in {each.file for each in workunit.inputs} - staged:
        if db.execute("SELECT 1 FROM input_file WHERE name = ?", (name,)).fetchone() is None:
            raise ProjectError(f"the workunit {workunit.name} needs the file {name}, which was not staged")
        staged.add(name)
    identity = inserted["id"]
    db.executemany(
        "INSERT OR IGNORE INTO input_use (file, workunit) VALUES (?, ?)",
        [(each.file, identity) for each in workunit.inputs],
    )
    transitions.make_results(
        db, identity, workunit.name, 0, workunit.target_nresults, workunit.target_nresults, now
    )
    return 1


def cancel(db: sqlite3.Connection, names: Iterable[str]) -> int:
    """Cancel workunits that are not over; returns how many. Clients stop at their next request."""
    cancelled = 0
    for name in names:
        row = db.execute("SELECT id FROM workunit WHERE name = ?", (name,)).fetchone()
        cancelled += row is not None and transitions.fail(db, row["id"], ErrorMask.CANCELLED)
    return cancelled


def names_in(db: sqlite3.Connection, batch: str) -> list[str]:
    """Names of the workunits of a batch."""
    rows = db.execute("SELECT name FROM workunit WHERE batch = ? ORDER BY id", (batch,))
    return [row["name"] for row in rows]


def output_files(db: sqlite3.Connection, workunits: Sequence[int]) -> list[str]:
    """Names of all files that clients may have uploaded for these workunits."""
    found = []
    for workunit in workunits:
        row = db.execute("SELECT job FROM workunit WHERE id = ?", (workunit,)).fetchone()
        count = len(jobs.read(row["job"]).outputs)
        for result in db.execute(
            "SELECT name, nonce FROM result WHERE workunit = ? AND state != ?", (workunit, State.UNSENT)
        ):
            found += [jobs.output_name(result["name"], result["nonce"], at) for at in range(count)]
    return found


def forget(db: sqlite3.Connection, workunits: Sequence[int]) -> None:
    """Remove everything about these workunits."""
    for table, column in (("finished", "workunit"), ("input_use", "workunit"), ("result", "workunit")):
        db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(each,) for each in workunits])
    db.executemany("DELETE FROM workunit WHERE id = ?", [(each,) for each in workunits])
