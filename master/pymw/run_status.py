"""How far a run is: what `pymw runs` and `pymw status` say, as facts."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

from pymw import run_folder, store
from pymw.errors import RunError
from pymw.run_folder import told

LATELY = 600.0  # seconds that "lately" means, at most

_COUNTS = "SELECT state, COUNT(*), MAX(finished), MAX(submitted) FROM tasks GROUP BY state"
_BY = """
SELECT {what}, SUM(state = 2), SUM(state = 3), SUM(state < 2), AVG(elapsed), SUM(elapsed), MAX(finished)
FROM tasks {join} {where} GROUP BY {group} ORDER BY 2 DESC, 1 LIMIT 1000
"""
_FUNCTIONS = _BY.format(
    what="name", join="JOIN functions ON functions.id = function", where="", group="function"
)
_WORKERS = _BY.format(what="worker", join="", where="WHERE worker IS NOT NULL AND state >= 2", group="worker")
_FAILURES = """
SELECT kind, COUNT(*), endings.message, MIN(tasks.number) FROM tasks JOIN endings ON endings.task = number
WHERE state = 3 GROUP BY kind ORDER BY 2 DESC
"""
_RATES = "SELECT COUNT(*), MIN(finished) FROM tasks WHERE state = 2 AND finished >= ?"


def summary(folder: Path) -> dict[str, Any]:
    """A run in a few facts: name, folder, tasks, finished, failed, running, waiting, last_change, in_use.

    running: handed to an interface; without a program none is, and all of them wait. last_change: unix time,
    None if nothing has happened. Raises RunError.
    """
    with contextlib.closing(store.open_to_read(folder)) as connection, told(folder, "read"):
        return _summary(folder, connection)


def _summary(folder: Path, connection: sqlite3.Connection) -> dict[str, Any]:
    rows = connection.execute(_COUNTS).fetchall()
    counts = {state: number for state, number, *_ in rows}
    moments = [moment for row in rows for moment in row[2:] if moment is not None]
    in_use = run_folder.in_use(folder)
    handed = counts.get(store.HANDED, 0)
    return {
        "name": folder.name,
        "folder": str(folder),
        "tasks": sum(counts.values()),
        "finished": counts.get(store.FINISHED, 0),
        "failed": counts.get(store.FAILED, 0),
        "running": handed if in_use else 0,
        "waiting": counts.get(store.WAITING, 0) + (0 if in_use else handed),
        "last_change": max(moments, default=None),
        "in_use": in_use,
    }


def summaries(parent: Path) -> list[dict[str, Any]]:
    """All runs in a folder, by name; one that cannot be read has an "error" instead of counts."""
    found = []
    if not parent.is_dir():
        raise RunError(f"there is no folder {parent}: no run was made here")
    with told(parent, "read"):
        folders = sorted(entry for entry in parent.iterdir() if run_folder.is_run(entry))
    for folder in folders:
        try:
            found.append(summary(folder))
        except RunError as error:
            found.append({"name": folder.name, "folder": str(folder), "error": str(error)})
    return found


def status(folder: Path) -> dict[str, Any]:
    """A summary, and more: owner, per_minute, per_minute_lately, seconds_left, functions, workers, failures.

    per_minute: results, while programs worked on the run; None where there are too few to tell. seconds_left:
    at the rate of lately, None if no program works on it. Raises RunError.
    """
    with contextlib.closing(store.open_to_read(folder)) as connection, told(folder, "read"):
        connection.execute("BEGIN")  # all of it is of one moment
        facts = _summary(folder, connection)
        facts["owner"] = run_folder.owner(folder) if facts["in_use"] else {}
        facts.update(_rates(facts, connection))
        facts["functions"] = [_part("function", row) for row in connection.execute(_FUNCTIONS)]
        facts["workers"] = [_part("worker", row) for row in connection.execute(_WORKERS)]
        facts["failures"] = [
            {"type": kind, "count": number, "example": message, "task": task}
            for kind, number, message, task in connection.execute(_FAILURES)
        ]
    return facts


def _rates(facts: dict[str, Any], connection: sqlite3.Connection) -> dict[str, Any]:
    now = time.time()
    since = max(now - LATELY, facts["owner"].get("since", 0.0))
    lately, _ = connection.execute(_RATES, (since,)).fetchone()
    all_time, first = connection.execute(_RATES, (0.0,)).fetchone()
    last = facts["last_change"] or now
    per_minute = 60.0 * (all_time - 1) / (last - first) if all_time > 1 and last > first else None
    recent = 60.0 * lately / max(now - since, 1.0) if facts["in_use"] else None
    left = facts["running"] + facts["waiting"]
    return {
        "per_minute": per_minute,
        "per_minute_lately": recent,
        "seconds_left": 60.0 * left / recent if recent else None,
    }


def _part(what: str, row: tuple[Any, ...]) -> dict[str, Any]:
    name, finished, failed, unfinished, average, total, last = row
    return {
        what: name,
        "finished": finished,
        "failed": failed,
        "unfinished": unfinished,
        "seconds_each": average,
        "seconds": total,
        "last_result": last,
    }
