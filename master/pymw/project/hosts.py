"""Volunteers' computers: which one is asking, and how much it may have."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pymw.project.request import SchedulerRequest
from pymw.project.settings import Settings

_GRACE = 5  # errors in a row that are borne
_LONGEST = 3600.0  # seconds that a computer whose results were errors waits for the next task, at most

_COLUMNS = "rpc_seqno, last_rpc, domain_name, platform, os, client, ncpus, fpops, memory, address"


@dataclass(frozen=True, slots=True)
class Host:
    """A computer. assigned: whether its number is news to it. errors: in a row; last_error: unix time."""

    id: int
    account: int
    assigned: bool
    ncpus: int
    fpops: float
    memory: float
    credit: float
    errors: int
    last_error: float


def identify(
    db: sqlite3.Connection, request: SchedulerRequest, account: int, address: str, now: float
) -> Host:
    """The computer that sends this request, a new one if need be; notes what it says of itself.

    A number that is not this account's, or a sequence number that goes back, is of a copied folder: the
    computer gets a new number, as a stock server does it. One that has none yet is known by its own name.
    """
    row = None
    if request.hostid:
        row = db.execute(
            "SELECT * FROM host WHERE id = ? AND account = ? AND rpc_seqno <= ?",
            (request.hostid, account, request.rpc_seqno),
        ).fetchone()
    elif request.computer.cpid:
        row = db.execute(
            "SELECT * FROM host WHERE account = ? AND cpid = ? ORDER BY id DESC LIMIT 1",
            (account, request.computer.cpid),
        ).fetchone()
    if row is None:
        return _insert(db, request, account, address, now)
    return _update(db, request, row, address, now)


def allowance(host: Host, settings: Settings, now: float) -> int:
    """How many tasks it may have at once. One that was wrong again and again gets one, and waits for it."""
    excess = host.errors - _GRACE - host.ncpus
    if excess <= 0:
        return host.ncpus * settings.max_in_progress
    wait = min(_LONGEST, 10.0 * 2 ** min(excess, 20))
    return 1 if now >= host.last_error + wait else 0


def _about(request: SchedulerRequest, address: str, now: float) -> tuple[object, ...]:
    computer = request.computer
    platform = request.platforms[0] if request.platforms else ""
    return (
        *(request.rpc_seqno, now, computer.domain_name, platform, computer.os, request.client),
        *(computer.ncpus, computer.fpops, computer.memory, address),
    )


def _insert(
    db: sqlite3.Connection, request: SchedulerRequest, account: int, address: str, now: float
) -> Host:
    identity = db.execute(
        f"INSERT INTO host (account, cpid, created, {_COLUMNS}) VALUES ({','.join('?' * 13)})",
        (account, request.computer.cpid, now, *_about(request, address, now)),
    ).lastrowid
    assert identity is not None
    computer = request.computer
    return Host(identity, account, True, computer.ncpus, computer.fpops, computer.memory, 0.0, 0, 0.0)


def _update(
    db: sqlite3.Connection, request: SchedulerRequest, row: sqlite3.Row, address: str, now: float
) -> Host:
    computer, marks = request.computer, ",".join("?" * 10)
    about = (*_about(request, address, now), row["id"])
    db.execute(f"UPDATE host SET ({_COLUMNS}) = ({marks}) WHERE id = ?", about)
    return Host(
        row["id"],
        row["account"],
        request.hostid != row["id"],
        computer.ncpus,
        computer.fpops,
        computer.memory,
        row["credit"],
        row["errors"],
        row["last_error"],
    )
