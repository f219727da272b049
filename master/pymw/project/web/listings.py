"""What the owner looks through, a page at a time. Each page is found by an index, however many there are.

A page begins after the last row of the one before, not after so many rows: those would have to be counted.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pymw.project.states import State

ROWS = 50

_RUNNING = f"""
SELECT result.id, result.name, result.workunit, result.host, result.sent, result.deadline,
    workunit.name AS workunit_name, workunit.batch, account.name AS account_name
FROM result JOIN workunit ON workunit.id = result.workunit
    LEFT JOIN account ON account.id = result.account
WHERE result.state = {State.IN_PROGRESS:d} AND (result.deadline, result.id) > (?, ?)
ORDER BY result.deadline, result.id LIMIT ?"""
_COLUMNS = "id, name, batch, created, error_mask, canonical, target_nresults, min_quorum"
_FAILED = f"""
SELECT {_COLUMNS} FROM workunit WHERE error_mask != 0 AND id < ? ORDER BY id DESC LIMIT ?"""
_NEWEST = f"SELECT {_COLUMNS} FROM workunit WHERE id < ? ORDER BY id DESC LIMIT ?"
_OF_BATCH = f"SELECT {_COLUMNS} FROM workunit WHERE batch = ? AND id < ? ORDER BY id DESC LIMIT ?"
# From one name to the next: as many steps as there are names, not workunits.
_BATCHES = """
WITH RECURSIVE names(batch, n) AS (
    SELECT (SELECT min(batch) FROM workunit WHERE batch > ?), 1
    UNION ALL
    SELECT (SELECT min(workunit.batch) FROM workunit WHERE workunit.batch > names.batch), n + 1
    FROM names WHERE names.batch IS NOT NULL AND n < ?
)
SELECT batch FROM names WHERE batch IS NOT NULL"""
_HOSTS = f"""
SELECT host.id, host.domain_name, host.platform, host.os, host.client, host.ncpus, host.last_rpc,
    host.credit, host.errors, account.name AS account_name,
    (SELECT count(*) FROM result WHERE result.host = host.id AND result.state = {State.IN_PROGRESS:d})
    AS in_progress
FROM host LEFT JOIN account ON account.id = host.account
WHERE (host.last_rpc, host.id) < (?, ?) ORDER BY host.last_rpc DESC, host.id DESC LIMIT ?"""
_WORKUNIT = f"SELECT {_COLUMNS}, max_error_results, max_total_results, job FROM workunit WHERE id = ?"
_RESULTS = """
SELECT result.*, account.name AS account_name, host.platform, host.domain_name
FROM result LEFT JOIN host ON host.id = result.host LEFT JOIN account ON account.id = result.account
WHERE result.workunit = ? AND result.id > ? ORDER BY result.id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and what the next page begins after; "" if this is the last."""

    rows: Sequence[sqlite3.Row]
    after: str


def running(db: sqlite3.Connection, after: str) -> Page:
    """Results in progress, the nearest deadline first."""
    start = _pair(after, (-1e300, 0))
    return _page(db, _RUNNING, start, lambda row: f"{row['deadline']!r},{row['id']}")


def failed(db: sqlite3.Connection, after: str) -> Page:
    """Workunits that have failed, the newest first."""
    return _page(db, _FAILED, (_number(after, 2**62),), _identity)


def newest(db: sqlite3.Connection, after: str, batch: str | None = None) -> Page:
    """Workunits, all or of a batch, the newest first."""
    start = _number(after, 2**62)
    if batch is None:
        return _page(db, _NEWEST, (start,), _identity)
    return _page(db, _OF_BATCH, (batch, start), _identity)


def batches(db: sqlite3.Connection, after: str) -> Page:
    """Names of batches, in order."""
    return _page(db, _BATCHES, (after[:200],), lambda row: str(row["batch"]))


def hosts(db: sqlite3.Connection, after: str) -> Page:
    """Computers, the one that was last heard of first."""
    start = _pair(after, (1e300, 2**62))
    return _page(db, _HOSTS, start, lambda row: f"{row['last_rpc']!r},{row['id']}")


def workunit(db: sqlite3.Connection, identity: int) -> sqlite3.Row | None:
    """A workunit."""
    row: sqlite3.Row | None = db.execute(_WORKUNIT, (identity,)).fetchone()
    return row


def results(db: sqlite3.Connection, workunit: int, after: str, count: int) -> Page:
    """Results of a workunit in the order in which they were made, so many on a page."""
    return _page(db, _RESULTS, (workunit, _number(after, 0)), _identity, count)


def _page(
    db: sqlite3.Connection,
    query: str,
    start: tuple[object, ...],
    place: Callable[[sqlite3.Row], str],
    count: int = ROWS,
) -> Page:
    rows = db.execute(query, (*start, count + 1)).fetchall()
    return Page(rows[:count], place(rows[count - 1]) if len(rows) > count else "")


def _identity(row: sqlite3.Row) -> str:
    return str(row["id"])


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else default


def _pair(text: str, default: tuple[float, int]) -> tuple[float, int]:
    first, _, second = text.partition(",")
    try:
        start = float(first[:40])
    except ValueError:
        return default
    return (start, _number(second, default[1])) if math.isfinite(start) else default
