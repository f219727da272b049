"""What everybody may know of a project: how much is done, by what kinds of computers. No person is in it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pymw.project import tallies
from pymw.project.tallies import Hour, Tally
from pymw.project.web import words

HOURS = 48
DAY = 86_400.0
PLATFORM_DAYS = 30
_PLATFORMS = 8
_TOP = 10

_ACTIVE = "SELECT count(*) FROM host WHERE last_rpc >= ?"
_BY_PLATFORM = """
SELECT platform, count(*) AS n FROM host WHERE last_rpc >= ? GROUP BY platform ORDER BY n DESC, platform"""
_BY_CREDIT = f"""
SELECT host.id, host.platform, host.ncpus, host.credit, account.name
FROM host JOIN account ON account.id = host.account
WHERE host.credit > 0 ORDER BY host.credit DESC, host.id LIMIT {_TOP}"""


@dataclass(frozen=True, slots=True)
class Top:
    """A computer with much credit. account: its name, "" if it is not to be shown."""

    id: int
    platform: str
    ncpus: int
    credit: float
    account: str


@dataclass(frozen=True, slots=True)
class Figures:
    """A project at a moment.

    at: that moment, unix time. active: computers heard of in the last day. day: results in it. platforms:
    names in words, and how many computers of the last 30 days, most first. top: computers by credit.
    """

    at: float
    tally: Tally
    hours: list[Hour]
    active: int
    day: int
    platforms: list[tuple[str, int]]
    top: list[Top]

    @property
    def copies(self) -> bool:
        """Whether tasks that are not over are computed more than once."""
        open_ones = self.tally.workunits - self.tally.succeeded - self.tally.failed
        return self.tally.unsent + self.tally.in_progress > open_ones


def read(db: sqlite3.Connection, account_names: bool, now: float) -> Figures:
    """The figures of now. What is counted here and not by the database itself are computers."""
    hours = tallies.hours(db, HOURS, now)
    return Figures(
        at=now,
        tally=tallies.tally(db),
        hours=hours,
        active=db.execute(_ACTIVE, (now - DAY,)).fetchone()[0],
        day=sum(each.good for each in hours[-24:]),
        platforms=_platforms(db, now),
        top=[
            Top(
                row["id"],
                words.platform(row["platform"]),
                row["ncpus"],
                row["credit"],
                words.line(row["name"], 40) if account_names else "",
            )
            for row in db.execute(_BY_CREDIT)
        ],
    )


def _platforms(db: sqlite3.Connection, now: float) -> list[tuple[str, int]]:
    """Computers by platform; a stranger may call himself anything, so all rare ones are one."""
    rows = db.execute(_BY_PLATFORM, (now - PLATFORM_DAYS * DAY,)).fetchall()
    named = [(words.platform(row["platform"]), row["n"]) for row in rows[:_PLATFORMS]]
    rest = sum(row["n"] for row in rows[_PLATFORMS:])
    return [*named, ("others", rest)] if rest else named
