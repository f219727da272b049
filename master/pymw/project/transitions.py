"""Carries out in the database what `workunits.decide` says; each function belongs into a transaction."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable

from pymw.project import credit
from pymw.project.states import ErrorMask, Fault, Outcome, State, Validity
from pymw.project.workunits import Decision, ResultFacts, WorkunitFacts, decide

_RESULTS = """
SELECT id, state, outcome, validity, fault, digest FROM result WHERE workunit = ? ORDER BY id"""
_NEW = """
INSERT INTO result (workunit, name, retry, created, state, nonce) VALUES (?, ?, ?, ?, ?, ?)"""


def settle(db: sqlite3.Connection, workunit: int, now: float) -> None:
    """Do what is to be done about a workunit after something happened to it. Doing it twice is harmless."""
    row = db.execute("SELECT * FROM workunit WHERE id = ?", (workunit,)).fetchone()
    results = [_facts(each) for each in db.execute(_RESULTS, (workunit,))]
    facts = WorkunitFacts(
        target_nresults=row["target_nresults"],
        min_quorum=row["min_quorum"],
        max_error_results=row["max_error_results"],
        max_total_results=row["max_total_results"],
        error_mask=ErrorMask(row["error_mask"]),
        canonical=row["canonical"],
    )
    decision = decide(facts, results)
    _judge(db, decision, now)
    if decision.create:
        make_results(db, workunit, row["name"], len(results), decision.create, row["target_nresults"], now)
    if decision.canonical is not None:
        db.execute("UPDATE workunit SET canonical = ? WHERE id = ?", (decision.canonical, workunit))
        _blame(db, workunit, now)
    elif decision.error_mask:
        db.execute("UPDATE workunit SET error_mask = ? WHERE id = ?", (int(decision.error_mask), workunit))
    if decision.canonical is not None or decision.error_mask:
        db.execute("INSERT OR IGNORE INTO finished (workunit) VALUES (?)", (workunit,))
    canonical = decision.canonical if decision.canonical is not None else facts.canonical
    if canonical is not None:
        credit.grant(db, decision.judged(Validity.VALID), canonical)


def make_results(
    db: sqlite3.Connection, workunit: int, name: str, first: int, count: int, target: int, now: float
) -> None:
    """Make results that wait to be sent. first: the number of the first. Those beyond target come first."""
    rows = [
        (workunit, f"{name}_{number}", number >= target, now, State.UNSENT, secrets.randbits(48))
        for number in range(first, first + count)
    ]
    db.executemany(_NEW, rows)


def fail(db: sqlite3.Connection, workunit: int, mask: ErrorMask) -> bool:
    """Let a workunit fail that is not over yet; False if it is. Clients abort what they have of it."""
    changed = db.execute(
        "UPDATE workunit SET error_mask = ? WHERE id = ? AND error_mask = 0 AND canonical IS NULL",
        (int(mask), workunit),
    )
    if changed.rowcount != 1:
        return False
    db.execute(
        "UPDATE result SET state = ?, outcome = ? WHERE workunit = ? AND state = ?",
        (State.OVER, Outcome.DIDNT_NEED, workunit, State.UNSENT),
    )
    db.execute("INSERT OR IGNORE INTO finished (workunit) VALUES (?)", (workunit,))
    return True


def _facts(row: sqlite3.Row) -> ResultFacts:
    return ResultFacts(
        row["id"],
        State(row["state"]),
        Outcome(row["outcome"]),
        Validity(row["validity"]),
        Fault(row["fault"]),
        row["digest"],
    )


def _judge(db: sqlite3.Connection, decision: Decision, now: float) -> None:
    db.executemany(
        "UPDATE result SET validity = ? WHERE id = ?",
        [(validity, each) for each, validity in decision.validity.items()],
    )
    db.executemany(
        "UPDATE result SET state = ?, outcome = ? WHERE id = ?",
        [(State.OVER, Outcome.DIDNT_NEED, each) for each in decision.not_needed],
    )
    # Only what others agree with makes up for errors: who makes results up reports successes too.
    db.executemany(
        "UPDATE host SET errors = 0 WHERE id = (SELECT host FROM result WHERE id = ?)",
        [(each,) for each in decision.judged(Validity.VALID)],
    )
    if invalid := decision.judged(Validity.INVALID):
        marks = ",".join("?" * len(invalid))
        hosts = db.execute(f"SELECT host FROM result WHERE id IN ({marks})", invalid).fetchall()
        count_errors(db, [each["host"] for each in hosts], now)


def _blame(db: sqlite3.Connection, workunit: int, now: float) -> None:
    """Where others could do the task, a task error was the computer's after all."""
    rows = db.execute(
        "SELECT host FROM result WHERE workunit = ? AND fault = ?", (workunit, Fault.TASK)
    ).fetchall()
    count_errors(db, [row["host"] for row in rows], now)


def count_errors(db: sqlite3.Connection, hosts: Iterable[int], now: float) -> None:
    """Note that these computers were wrong once more."""
    db.executemany(
        "UPDATE host SET errors = errors + 1, last_error = max(last_error, ?) WHERE id = ?",
        [(now, host) for host in hosts],
    )
