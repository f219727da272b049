"""What the database of a stock project knows about our jobs, and how they are cancelled there.

Any thread may ask. If the database is away, it is waited for: a restart of it must not end a program.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pymysql

from pymw.errors import ProjectError
from pymw.project.states import ErrorMask, Outcome, State
from pymw.server.database import Database
from pymw.server.home import DatabaseAccess

PATIENCE = 60.0  # seconds that the database may be away
_PAUSE = 0.5
_AT_ONCE = 1000  # names in one statement
_ASSIMILATED = 2  # workunit.assimilate_state
_AWAY = (pymysql.err.OperationalError, pymysql.err.InterfaceError, OSError)  # deadlocks are among them

_T = TypeVar("_T")
Where = tuple[str, Sequence[str]]  # a condition on workunits `w`, and its arguments

log = logging.getLogger("pymw")


class JobsTable:
    """The jobs in a database. All methods raise ProjectError."""

    def __init__(self, access: DatabaseAccess) -> None:
        """Connect, without patience."""
        self._database = Database(access)
        self._lock = threading.Lock()
        self._away: float | None = None  # since when the database has not answered

    def app(self, name: str) -> int | None:
        """The id of an application."""
        rows = self._rows("SELECT id FROM app WHERE name = %s AND deprecated = 0", (name,))
        return rows[0][0] if rows else None

    def app_versions(self, app: int) -> list[tuple[str, int]]:
        """The newest version number of an application for each platform, by the platform's name."""
        return self._rows(
            "SELECT p.name, MAX(v.version_num) FROM app_version v JOIN platform p ON p.id = v.platformid"
            " WHERE v.appid = %s AND v.deprecated = 0 GROUP BY p.name ORDER BY p.name",
            (app,),
        )

    def there(self, names: Sequence[str]) -> set[str]:
        """Those of these jobs that are in the database."""
        return {row[0] for where in _named(names) for row in self._select("w.name", where)}

    def open(self, names: Sequence[str]) -> set[str]:
        """Those of these jobs that the assimilator still is to take, and that are not cancelled."""
        left = f"w.assimilate_state <> {_ASSIMILATED} AND w.error_mask & {ErrorMask.CANCELLED:d} = 0"
        return {row[0] for where in _named(names) for row in self._select("w.name", where, left)}

    def assimilated(self, batch: str) -> int:
        """How many jobs of a batch the assimilator is done with."""
        rows = self._select("COUNT(*)", _of(batch), f"w.assimilate_state = {_ASSIMILATED}")
        return int(rows[0][0])

    def assimilated_names(self, batch: str) -> set[str]:
        """The jobs of a batch that the assimilator is done with."""
        rows = self._select("w.name", _of(batch), f"w.assimilate_state = {_ASSIMILATED}")
        return {row[0] for row in rows}

    def working(self, names: Sequence[str]) -> dict[str, list[int]]:
        """Those of these jobs that have results in progress, and the numbers of the computers."""
        found: dict[str, list[int]] = {}
        for condition, arguments in _named(names):
            rows = self._rows(
                "SELECT w.name, r.hostid FROM workunit w JOIN result r ON r.workunitid = w.id"
                f" WHERE {condition} AND r.server_state = {State.IN_PROGRESS:d} ORDER BY r.id",
                arguments,
            )
            for name, host in rows:
                found.setdefault(name, []).append(host)
        return found

    def counts(self, batch: str) -> dict[str, int]:
        """How many jobs of a batch are unsent, in_progress, done and failed."""
        rows = self._rows(
            "SELECT COUNT(*), COALESCE(SUM(error_mask <> 0), 0),"
            " COALESCE(SUM(error_mask = 0 AND canonical_resultid <> 0), 0), COALESCE(SUM(error_mask = 0"
            " AND canonical_resultid = 0 AND EXISTS (SELECT 1 FROM result r WHERE r.workunitid = w.id"
            f" AND r.server_state = {State.IN_PROGRESS:d})), 0) FROM workunit w WHERE {_of(batch)[0]}",
            _of(batch)[1],
        )
        jobs, failed, done, in_progress = (int(number) for number in rows[0])
        unsent = jobs - failed - done - in_progress
        return {"unsent": unsent, "in_progress": in_progress, "done": done, "failed": failed}

    def cancel(self, names: Sequence[str]) -> None:
        """Cancel those of these jobs that have not ended."""
        for where in _named(names):
            self._cancel(where)

    def cancel_batch(self, batch: str) -> None:
        """Cancel what has not ended of a batch."""
        self._cancel(_of(batch))

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._database.close()

    def _cancel(self, where: Where) -> None:
        # In BOINC's own order: nobody gets a result any more; then the transitioner sees that it is over.
        condition = f"{where[0]} AND w.canonical_resultid = 0 AND w.error_mask = 0"
        self._patiently(
            lambda: self._database.change(
                "UPDATE result r JOIN workunit w ON w.id = r.workunitid"
                f" SET r.server_state = {State.OVER:d}, r.outcome = {Outcome.DIDNT_NEED:d}"
                f" WHERE {condition} AND r.server_state <= {State.UNSENT:d}",
                where[1],
            )
        )
        self._patiently(
            lambda: self._database.change(
                f"UPDATE workunit w SET w.error_mask = w.error_mask | {ErrorMask.CANCELLED:d},"
                f" w.transition_time = UNIX_TIMESTAMP() WHERE {condition}",
                where[1],
            )
        )

    def _select(self, what: str, where: Where, more: str = "1") -> list[tuple[Any, ...]]:
        return self._rows(f"SELECT {what} FROM workunit w WHERE {where[0]} AND {more}", where[1])

    def _rows(self, statement: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._patiently(lambda: self._database.rows(statement, arguments))

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        with self._lock:
            while True:
                try:
                    answer = ask()
                except ProjectError as error:
                    if not isinstance(error.__cause__, _AWAY) or not self._may_wait(error):
                        raise
                    time.sleep(_PAUSE)
                else:
                    self._away = None
                    return answer

    def _may_wait(self, error: ProjectError) -> bool:
        now = time.monotonic()
        if self._away is None:
            self._away = now
            log.warning("%s; waiting for it", error)
        return now - self._away < PATIENCE


def _named(names: Sequence[str]) -> Iterator[Where]:
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        yield f"w.name IN ({', '.join(['%s'] * len(some))})", some


def _of(batch: str) -> Where:
    # Which names are between two others depends on the collation, and a project may have any; this does not.
    return "w.name LIKE %s ESCAPE '|'", (batch.replace("_", "|_") + "|_%",)
