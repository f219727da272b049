"""What a master gets to know: how workunits ended, how far others are, and who does the work."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pymw.project import jobs
from pymw.project.layout import Layout
from pymw.project.states import ErrorMask, Outcome, State


@dataclass(frozen=True, slots=True)
class Attempt:
    """A result that a computer returned, or did not.

    outcome: how it ended. exit_status: of the client, None if it did not report. stderr: what the task and
    the client wrote, a stranger's text. host, platform: who. cpu, elapsed: seconds. sent, received: unix
    time.
    """

    name: str
    outcome: Outcome
    exit_status: int | None
    stderr: str
    host: int
    platform: str
    cpu: float
    elapsed: float
    sent: float
    received: float | None


@dataclass(frozen=True, slots=True)
class Success:
    """A workunit has succeeded. files: of the canonical result, by logical name. by: who made them."""

    files: dict[str, Path]
    by: Attempt


@dataclass(frozen=True, slots=True)
class Failure:
    """A workunit has failed. mask: why. attempts: all that was tried."""

    mask: ErrorMask
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """News: a workunit has ended. sequence: grows with each."""

    sequence: int
    name: str
    batch: str
    outcome: Success | Failure


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a workunit is.

    state: "unsent", "in progress", "success" or "failure". sent: unix time at which the first of its running
    results was sent; None if none runs. hosts: that have it now.
    """

    state: str
    sent: float | None
    hosts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are. What is neither success nor failure nor has a result in progress is unsent."""

    workunits: int
    succeeded: int
    failed: int
    results_unsent: int
    results_in_progress: int
    results_over: int
    hosts: int
    app_versions: int


@dataclass(frozen=True, slots=True)
class HostSummary:
    """A volunteer's computer. last_rpc: unix time. errors: in a row. in_progress: results."""

    id: int
    account: str
    domain_name: str
    platform: str
    os: str
    client: str
    ncpus: int
    last_rpc: float
    credit: float
    errors: int
    in_progress: int


_ATTEMPTS = """
SELECT result.*, host.platform FROM result LEFT JOIN host ON host.id = result.host
WHERE result.workunit = ? AND result.sent IS NOT NULL ORDER BY result.id"""
_FINISHED = """
SELECT finished.sequence, workunit.* FROM finished JOIN workunit ON workunit.id = finished.workunit"""
_HOSTS = f"""
SELECT host.*, account.name AS account_name,
    (SELECT count(*) FROM result WHERE result.host = host.id AND result.state = {State.IN_PROGRESS:d})
    AS in_progress
FROM host JOIN account ON account.id = host.account ORDER BY host.last_rpc DESC"""


def last_sequence(db: sqlite3.Connection) -> int:
    """The sequence number of the last workunit that has ended; 0 if none has."""
    return int(db.execute("SELECT max(sequence) FROM finished").fetchone()[0] or 0)


def finished_since(db: sqlite3.Connection, place: Layout, sequence: int, limit: int) -> list[Finished]:
    """What has ended after this number, in order."""
    after = f"{_FINISHED} WHERE finished.sequence > ? ORDER BY finished.sequence LIMIT ?"
    rows = db.execute(after, (sequence, limit)).fetchall()
    return [_finished(db, place, row) for row in rows]


def finished(db: sqlite3.Connection, place: Layout, names: Iterable[str]) -> list[Finished]:
    """Those of these workunits that have ended."""
    rows = (db.execute(f"{_FINISHED} WHERE workunit.name = ?", (name,)).fetchone() for name in names)
    return [_finished(db, place, row) for row in rows if row is not None]


def progress(db: sqlite3.Connection, names: Iterable[str]) -> dict[str, Progress]:
    """How far these workunits are."""
    found = dict[str, Progress]()
    for name in names:
        row = db.execute("SELECT id, error_mask, canonical FROM workunit WHERE name = ?", (name,)).fetchone()
        if row is None:
            continue
        running = db.execute(
            "SELECT host, sent FROM result WHERE workunit = ? AND state = ? ORDER BY id",
            (row["id"], State.IN_PROGRESS),
        ).fetchall()
        state = "in progress" if running else "unsent"
        if row["canonical"] is not None:
            state = "success"
        elif row["error_mask"]:
            state = "failure"
        sent = min((each["sent"] for each in running), default=None)
        found[name] = Progress(state, sent, tuple(each["host"] for each in running))
    return found


def counts(db: sqlite3.Connection) -> Counts:
    """How many there are of everything."""

    def count(text: str) -> int:
        return int(db.execute(f"SELECT count(*) FROM {text}").fetchone()[0])

    # Nothing here looks at a row: what no small index holds follows from the rest.
    failed = count("workunit WHERE error_mask != 0")
    unsent = count(f"result WHERE state = {State.UNSENT:d}")
    in_progress = count(f"result WHERE state = {State.IN_PROGRESS:d}")
    return Counts(
        workunits=count("workunit"),
        succeeded=count("finished") - failed,
        failed=failed,
        results_unsent=unsent,
        results_in_progress=in_progress,
        results_over=count("result") - unsent - in_progress,
        hosts=count("host"),
        app_versions=count("app_version"),
    )


def hosts(db: sqlite3.Connection) -> list[HostSummary]:
    """All computers."""
    rows = db.execute(_HOSTS)
    return [
        HostSummary(
            id=row["id"],
            account=row["account_name"],
            domain_name=row["domain_name"],
            platform=row["platform"],
            os=row["os"],
            client=row["client"],
            ncpus=row["ncpus"],
            last_rpc=row["last_rpc"],
            credit=row["credit"],
            errors=row["errors"],
            in_progress=row["in_progress"],
        )
        for row in rows
    ]


def _finished(db: sqlite3.Connection, place: Layout, row: sqlite3.Row) -> Finished:
    return Finished(row["sequence"], row["name"], row["batch"], _outcome(db, place, row))


def _outcome(db: sqlite3.Connection, place: Layout, workunit: sqlite3.Row) -> Success | Failure:
    rows = db.execute(_ATTEMPTS, (workunit["id"],)).fetchall()
    if workunit["canonical"] is None:
        return Failure(ErrorMask(workunit["error_mask"]), tuple(_attempt(row) for row in rows))
    canonical = next(row for row in rows if row["id"] == workunit["canonical"])
    files = dict[str, Path]()
    for position, output in enumerate(jobs.read(workunit["job"]).outputs):
        path = place.upload(jobs.output_name(canonical["name"], canonical["nonce"], position))
        if path.is_file():
            files[output.logical_name] = path
    return Success(files, _attempt(canonical))


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        name=row["name"],
        outcome=Outcome(row["outcome"]),
        exit_status=row["exit_status"],
        stderr=row["stderr"],
        host=row["host"],
        platform=row["platform"] or "",
        cpu=row["cpu"],
        elapsed=row["elapsed"],
        sent=row["sent"],
        received=row["received"],
    )
