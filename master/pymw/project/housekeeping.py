"""What happens by time alone: results whose deadline has passed, and retries that no computer took."""

from __future__ import annotations

import sqlite3

from pymw.project import transitions
from pymw.project.settings import Settings
from pymw.project.states import ErrorMask, Fault, Outcome, State

_TOGETHER = 200  # in one transaction
_OVERDUE = f"""
SELECT id, workunit, host FROM result
WHERE state = {State.IN_PROGRESS:d} AND deadline < ? LIMIT {_TOGETHER}"""
_UNWANTED = f"""
SELECT DISTINCT workunit FROM (
    SELECT result.workunit, result.created + workunit.delay_bound AS until, workunit.delay_bound AS bound
    FROM result JOIN workunit ON workunit.id = result.workunit
    WHERE result.state = {State.UNSENT:d} AND result.retry = 1 LIMIT 10000
) WHERE until < ? AND bound < ? LIMIT {_TOGETHER}"""
# In no order, so that those which others may still take do not hide the rest.
_RETRIES = f"""
SELECT workunit FROM (SELECT workunit, created FROM result
    WHERE state = {State.UNSENT:d} AND retry = 1 LIMIT 10000)
WHERE created < ? ORDER BY random() LIMIT {_TOGETHER}"""
# Replicas of which others were sent: as old as these are, they are at the head of the queue.
_REPLICAS = f"""
SELECT DISTINCT workunit FROM (
    SELECT result.workunit, result.created + workunit.delay_bound AS until, workunit.delay_bound AS bound
    FROM result JOIN workunit ON workunit.id = result.workunit
    WHERE result.state = {State.UNSENT:d} AND result.retry = 0 ORDER BY result.id LIMIT 10000
) AS waiting WHERE until < ? AND bound < ? AND EXISTS (
    SELECT 1 FROM result WHERE result.workunit = waiting.workunit AND host IS NOT NULL) LIMIT {_TOGETHER}"""
_NOT_TRIED = """
SELECT 1 FROM host WHERE last_rpc > ? AND id NOT IN (
    SELECT host FROM result WHERE workunit = ? AND host IS NOT NULL) LIMIT 1"""
_IN_PROGRESS = f"SELECT 1 FROM result WHERE workunit = ? AND state = {State.IN_PROGRESS:d} LIMIT 1"
_SUCCEEDED = f"SELECT 1 FROM result WHERE workunit = ? AND outcome = {Outcome.SUCCESS:d} LIMIT 1"
_LATELY = 86_400.0  # seconds


def tidy(db: sqlite3.Connection, settings: Settings, uptime: float, now: float) -> bool:
    """Give up what nobody will report or take; True if there may be more. Belongs into a transaction.

    uptime: seconds since the server's start: while it was down nobody could report or take anything.
    """
    if uptime < settings.deadline_grace:
        return False
    late = db.execute(_OVERDUE, (now - settings.deadline_grace,)).fetchall()
    for row in late:
        db.execute(
            "UPDATE result SET state = ?, outcome = ?, fault = ? WHERE id = ?",
            (State.OVER, Outcome.NO_REPLY, Fault.NONE, row["id"]),
        )
        transitions.count_errors(db, [row["host"]], now)
        transitions.settle(db, row["workunit"], now)
    unwanted = db.execute(_UNWANTED, (now, uptime)).fetchall()
    for row in unwanted:
        transitions.fail(db, row["workunit"], ErrorMask.COULDNT_SEND)
    if uptime > settings.retry_patience:
        for row in db.execute(_RETRIES, (now - settings.retry_patience,)).fetchall():
            if not db.execute(_SUCCEEDED, (row["workunit"],)).fetchone():
                _give_up(db, row["workunit"], ErrorMask.TOO_MANY_ERRORS, now)
    for row in db.execute(_REPLICAS, (now, uptime)).fetchall():
        _give_up(db, row["workunit"], ErrorMask.COULDNT_SEND, now)
    return len(late) == _TOGETHER or len(unwanted) == _TOGETHER


def _give_up(db: sqlite3.Connection, workunit: int, mask: ErrorMask, now: float) -> None:
    """Fail a workunit that every computer which has been heard of lately has had."""
    left = db.execute(_NOT_TRIED, (now - _LATELY, workunit)).fetchone()
    if left is None and db.execute(_IN_PROGRESS, (workunit,)).fetchone() is None:
        transitions.fail(db, workunit, mask)
