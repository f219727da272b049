"""The database's side: which workunits have ended, what became of their results, and that we have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymw.boinc import reasons
from pymw.errors import ProjectError
from pymw.project.outcomes import Attempt
from pymw.project.states import Outcome, State
from pymw.server.database import Database
from pymw.server.home import DatabaseAccess

ROUND = 1000  # workunits at a time
_STDERR = 4000  # bytes of a result's, its last
_FILES = 1 << 14  # bytes of what a client reports of its output files
_SILENCE = 600  # seconds after which the database gives up on a connection, and its lock
_READY, _DONE = 1, 2  # assimilate_state
_OUTCOMES = frozenset(Outcome)
_REPORTED = (
    Outcome.SUCCESS,
    Outcome.CLIENT_ERROR,
    Outcome.VALIDATE_ERROR,
)  # the client has said how it ended
_OVER_IN_BATCH = "3, 4"  # state of a batch: aborted, retired

# The index is named as the server may rather walk through all workunits that there are, by id. A batch that
# has a row was submitted by BOINC's web RPCs: its files must stay until its scientist has fetched them.
_ENDED = f"""
    SELECT w.id, w.name, w.error_mask, w.canonical_resultid FROM workunit w FORCE INDEX (wu_assim)
    LEFT JOIN batch b ON b.id = w.batch AND b.state NOT IN ({_OVER_IN_BATCH})
    WHERE w.appid = %s AND w.assimilate_state = {_READY} AND w.id > %s AND w.id %% %s = %s AND b.id IS NULL
    ORDER BY w.id LIMIT {ROUND}"""
_RESULTS = """
    SELECT r.workunitid, r.name, r.outcome, r.exit_status, r.hostid, p.name, r.cpu_time, r.elapsed_time,
        r.sent_time, r.received_time, {more} FROM result r
    LEFT JOIN app_version v ON v.id = r.app_version_id LEFT JOIN platform p ON p.id = v.platformid
    WHERE r.{key} IN ({places}) {condition} ORDER BY r.id"""
_MARK = f"""
    UPDATE workunit SET assimilate_state = {_DONE}, transition_time = UNIX_TIMESTAMP()
    WHERE id IN ({{places}}) AND assimilate_state = {_READY}"""


class NoApplication(ProjectError):
    """There is nothing to do in this project, now and later."""


@dataclass(frozen=True)
class Workunit:
    """One that is ready to be assimilated. canonical: the id of its canonical result, 0 if it has none."""

    id: int
    name: str
    error_mask: int
    canonical: int


@dataclass(frozen=True)
class Canonical:
    """A canonical result. expected, reported: XML about its output files, the server's and the client's."""

    attempt: Attempt
    expected: bytes
    reported: bytes


class Queue:
    """The workunits of an application that have ended. All methods raise ProjectError.

    modulus, remainder: only workunits whose id modulo the one is the other.
    """

    def __init__(self, access: DatabaseAccess, app: str, modulus: int = 1, remainder: int = 0) -> None:
        """Connect. Raises NoApplication if the project has none of this name."""
        self._database = Database(access)
        rows = self._database.rows("SELECT id FROM app WHERE name = %s", (app,))
        if not rows:
            self._database.close()
            raise NoApplication(f"the project has no application {app}: run pymw_setup")
        self._mine = (modulus, remainder)
        self._app = rows[0][0]
        self._lock = f"pymw_assimilator {access.name} {app} {modulus} {remainder}"

    def lock(self, seconds: int) -> bool:
        """Be the only one of our kind, as long as the connection stands; waits so long for another's end."""
        held = "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()"
        if self._database.rows(held, (self._lock,)) == [(1,)]:
            return True
        self._database.change(f"SET SESSION wait_timeout = {_SILENCE}")
        return self._database.rows("SELECT GET_LOCK(%s, %s)", (self._lock, seconds)) == [(1,)]

    def ended(self, after: int) -> list[Workunit]:
        """The next workunits that are ready, by id, beginning after this one; ROUND at most."""
        rows = self._database.rows(_ENDED, (self._app, after, *self._mine))
        return [Workunit(*row) for row in rows]

    def canonical(self, workunits: Sequence[Workunit]) -> dict[int, Canonical]:
        """The canonical results of workunits, by workunit."""
        more = f"'', r.xml_doc_in, LEFT(r.xml_doc_out, {_FILES})"
        rows = self._results(more, "id", [each.canonical for each in workunits])
        return {row[0]: Canonical(_attempt(row), row[11] or b"", row[12] or b"") for row in rows}

    def attempts(self, workunits: Sequence[Workunit]) -> dict[int, list[Attempt]]:
        """The results of workunits that computers have had and are over, oldest first, by workunit."""
        more = f"RIGHT(r.stderr_out, {_STDERR})"
        condition = f"AND r.server_state = {State.OVER:d} AND r.hostid <> 0"
        found: dict[int, list[Attempt]] = {each.id: [] for each in workunits}
        for row in self._results(more, "workunitid", list(found), condition):
            found[row[0]].append(_attempt(row))
        return found

    def mark_done(self, ids: Sequence[int]) -> None:
        """We have what there was to have of these workunits: their files may be deleted."""
        if ids:
            self._database.change(_MARK.format(places=_places(ids)), ids)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _results(self, more: str, key: str, ids: Sequence[int], condition: str = "") -> list[tuple[Any, ...]]:
        if not ids:
            return []
        statement = _RESULTS.format(more=more, key=key, places=_places(ids), condition=condition)
        return self._database.rows(statement, ids)


def _places(ids: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(ids))


def _attempt(row: tuple[Any, ...]) -> Attempt:
    _, name, outcome, exit_status, host, platform, cpu, elapsed, sent, received, stderr, *_ = row
    return Attempt(
        name=name,
        outcome=Outcome(outcome) if outcome in _OUTCOMES else Outcome.NONE,
        exit_status=exit_status if outcome in _REPORTED else None,
        stderr=reasons.unwrapped((stderr or b"").decode("utf-8", "replace")),
        host=host,
        platform=platform or "",
        cpu=cpu,
        elapsed=elapsed,
        sent=sent,
        received=received,
    )
