"""A run's tasks as JSON lines, whatever program they belong to."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pymw import plain, store
from pymw.ending import Ending
from pymw.run_folder import told

STATES = {
    store.WAITING: "waiting",
    store.HANDED: "running",
    store.FINISHED: "finished",
    store.FAILED: "failed",
}

_AT_ONCE = 200  # rows of one query: a long one would keep the database's log from being emptied
_QUERY = """
SELECT tasks.number, name, arguments, state, attempts, submitted, started, finished, elapsed, worker,
    status, kind, endings.message, log, data
FROM tasks JOIN functions ON functions.id = function
    LEFT JOIN endings ON endings.task = tasks.number AND state >= ?
WHERE tasks.number > ? AND state IN ({states}) ORDER BY tasks.number LIMIT ?
"""


class Export:
    """The tasks of a run, read one after the other. unreadable: values that could not be, so far."""

    def __init__(self, folder: Path, failed_alone: bool = False) -> None:
        """Open a run. Raises RunError."""
        self.unreadable = 0
        self._folder = folder
        states = [store.FAILED] if failed_alone else list(STATES)
        self._query = _QUERY.format(states=", ".join(map(str, states)))
        self._connection = store.open_to_read(folder)

    def lines(self) -> Iterator[str]:
        """Each task as one line of JSON, by number. To be called once. Raises RunError."""
        with contextlib.closing(self._connection):
            for row in self._rows():
                yield json.dumps(self._facts(row)) + "\n"

    def _rows(self) -> Iterator[sqlite3.Row]:
        last = 0
        self._connection.row_factory = sqlite3.Row
        while True:
            with told(self._folder, "read"):
                rows = self._connection.execute(self._query, (store.FINISHED, last, _AT_ONCE)).fetchall()
            if not rows:
                return
            last = rows[-1]["number"]
            while rows:
                yield rows.pop(0)

    def _facts(self, row: sqlite3.Row) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "task": row["number"],
            "function": row["name"],
            **self._arguments(row["arguments"]),
            "state": STATES[row["state"]],
        }
        if row["status"] is not None:
            end = store.unpacked(row["status"], row["log"], row["data"])
            if row["state"] == store.FINISHED:
                facts["value"] = self._value(end)
            else:
                facts["error"] = {"type": row["kind"], "message": row["message"], "traceback": end.traceback}
            facts["stdout_length"] = len(end.stdout)
            facts["log"] = end.facts
        facts.update(
            submitted=moment(row["submitted"]),
            started=moment(row["started"]),
            finished=moment(row["finished"]),
            elapsed=row["elapsed"],
            attempts=row["attempts"],
            worker=row["worker"],
        )
        return facts

    def _value(self, end: Ending) -> Any:
        try:
            return plain.Writer().json(plain.load(end.data or b""))
        except Exception as error:
            self.unreadable += 1
            return {"unreadable": f"{type(error).__name__}: {error}"}

    def _arguments(self, data: bytes) -> dict[str, Any]:
        """Arguments by position and by name; those that JSON does not know as Python writes them."""
        try:
            args, kwargs = plain.load(data)
            return {
                "args": [_argument(each) for each in args],
                "kwargs": {str(name): _argument(each) for name, each in kwargs.items()},
            }
        except Exception:
            return {"args": None, "kwargs": None}


def _argument(value: Any) -> Any:
    writer = plain.Writer()
    shown = writer.json(value)
    return shown if writer.plain else repr(value)


def moment(seconds: float | None) -> str | None:
    """A unix time as ISO 8601, UTC; None for None."""
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds")
