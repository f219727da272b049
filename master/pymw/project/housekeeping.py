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
    return len(late) == _TOGETHER or len(unwanted) == _TOGETHER
