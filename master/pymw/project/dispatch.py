"""Chooses results for a computer that asks for work.

Results wait in order of their making, retries before all others. Whatever was made for a workunit of which
the computer had a result before can never be for it. So the place up to which nothing is for a computer is
kept, and looked at once only: a request costs as much as it hands out, however long the queue is.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from pymw.project import jobs
from pymw.project.hosts import Host
from pymw.project.jobs import Workunit
from pymw.project.request import SchedulerRequest
from pymw.project.states import State

_WINDOW = 64  # results looked at together
_LOOKS = 2000  # results looked at in one request at most
# What a computer lacks today, such as memory, it may have tomorrow: then it looks at all again.
_FRESH_SECONDS = 600.0
_HOSTS = 100_000  # of which the place in the queue is kept

_QUEUE = f"""
SELECT result.id, result.name, result.nonce, result.workunit, workunit.job, workunit.memory_bound,
    workunit.delay_bound
FROM result JOIN workunit ON workunit.id = result.workunit
WHERE result.state = {State.UNSENT:d} AND result.retry = ? AND result.id > ? ORDER BY result.id LIMIT ?"""
_HAD_BY_HOST = "SELECT 1 FROM result WHERE workunit = ? AND host = ? LIMIT 1"
_HAD_BY_ACCOUNT = "SELECT 1 FROM result WHERE workunit = ? AND (host = ? OR account = ?) LIMIT 1"
_SEND = f"""
UPDATE result SET state = {State.IN_PROGRESS:d}, host = ?, account = ?, app_version = ?, sent = ?,
    deadline = ? WHERE id = ?"""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A result that a computer gets. deadline: unix time."""

    name: str
    nonce: int
    deadline: float
    workunit: Workunit


class Queue:
    """Knows for each computer where in the queue to go on. Everything else is in the database."""

    def __init__(self, one_result_per_account: bool) -> None:
        self._per_account = one_result_per_account
        self._places: dict[tuple[int, int], int] = {}
        self._fresh = time.monotonic()

    def take(
        self,
        db: sqlite3.Connection,
        request: SchedulerRequest,
        host: Host,
        version: int,
        limit: int,
        now: float,
    ) -> list[Assignment]:
        """Hand out at most so many results to a computer; belongs into a transaction."""
        taken = list[Assignment]()
        seconds, looks = 0.0, 0
        for retry in (1, 0):
            place = self._place(host.id, retry)
            while looks < _LOOKS:
                rows = db.execute(_QUEUE, (retry, place, _WINDOW)).fetchall()
                for row in rows:
                    filled = seconds >= request.seconds and len(taken) >= request.instances
                    if filled or len(taken) >= limit:
                        self._places[host.id, retry] = place
                        return taken
                    looks += 1
                    place = row["id"]
                    if not self._suits(db, row, host):
                        continue
                    taken.append(self._send(db, row, host, version, now))
                    seconds += taken[-1].workunit.rsc_fpops_est / host.fpops
                if len(rows) < _WINDOW:
                    break
            self._places[host.id, retry] = place
        return taken

    def start_again(self, host: int) -> None:
        """What was handed out to a computer was not, after all."""
        for retry in (0, 1):
            self._places.pop((host, retry), None)

    def _place(self, host: int, retry: int) -> int:
        if time.monotonic() - self._fresh > _FRESH_SECONDS or len(self._places) > 2 * _HOSTS:
            self._places.clear()
            self._fresh = time.monotonic()
        return self._places.get((host, retry), 0)

    def _suits(self, db: sqlite3.Connection, row: sqlite3.Row, host: Host) -> bool:
        if 0 < host.memory < row["memory_bound"]:
            return False
        if self._per_account:
            had = db.execute(_HAD_BY_ACCOUNT, (row["workunit"], host.id, host.account))
        else:
            had = db.execute(_HAD_BY_HOST, (row["workunit"], host.id))
        return had.fetchone() is None

    def _send(
        self, db: sqlite3.Connection, row: sqlite3.Row, host: Host, version: int, now: float
    ) -> Assignment:
        deadline = now + row["delay_bound"]
        db.execute(_SEND, (host.id, host.account, version, now, deadline, row["id"]))
        return Assignment(row["name"], row["nonce"], deadline, jobs.read(row["job"]))
