"""Running counts, which the database keeps by itself: a page must not count a million rows to say how many.

Triggers change them in the transaction that changes what is counted, whichever program does it. So they are
exact at every moment, after a kill too. A project that was made without them gets them when it is opened.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pymw.project.states import ABORTED_BY_PROJECT, ABORTED_VIA_GUI, Outcome, State

HOUR = 3600

# What nobody wanted any more is no result, good or bad.
_COUNTED = f"exit_status NOT IN ({ABORTED_BY_PROJECT}, {ABORTED_VIA_GUI})"
_GOOD = f"outcome = {Outcome.SUCCESS:d}"
_UNSENT, _RUNNING = f"state = {State.UNSENT:d}", f"state = {State.IN_PROGRESS:d}"
_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS tally (
    workunits INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,
    unsent INTEGER NOT NULL, in_progress INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS hourly (hour INTEGER PRIMARY KEY, good INTEGER NOT NULL, bad INTEGER NOT NULL);
INSERT INTO tally SELECT * FROM (SELECT count(*), count(canonical), total(error_mask != 0),
    (SELECT count(*) FROM result WHERE {_UNSENT}), (SELECT count(*) FROM result WHERE {_RUNNING})
    FROM workunit) WHERE NOT EXISTS (SELECT 1 FROM tally);
INSERT OR REPLACE INTO hourly SELECT CAST(received / {HOUR} AS INTEGER), total({_GOOD}), total(NOT {_GOOD})
    FROM result WHERE received IS NOT NULL AND {_COUNTED} GROUP BY 1;
CREATE TRIGGER IF NOT EXISTS tally_workunit_made AFTER INSERT ON workunit BEGIN
    UPDATE tally SET workunits = workunits + 1;
END;
CREATE TRIGGER IF NOT EXISTS tally_workunit_ended AFTER UPDATE OF canonical, error_mask ON workunit BEGIN
    UPDATE tally SET
        succeeded = succeeded + (NEW.canonical IS NOT NULL) - (OLD.canonical IS NOT NULL),
        failed = failed + (NEW.error_mask != 0) - (OLD.error_mask != 0);
END;
CREATE TRIGGER IF NOT EXISTS tally_workunit_gone AFTER DELETE ON workunit BEGIN
    UPDATE tally SET workunits = workunits - 1, succeeded = succeeded - (OLD.canonical IS NOT NULL),
        failed = failed - (OLD.error_mask != 0);
END;
CREATE TRIGGER IF NOT EXISTS tally_result_made AFTER INSERT ON result BEGIN
    UPDATE tally SET unsent = unsent + (NEW.{_UNSENT}), in_progress = in_progress + (NEW.{_RUNNING});
END;
CREATE TRIGGER IF NOT EXISTS tally_result_moved AFTER UPDATE OF state ON result BEGIN
    UPDATE tally SET unsent = unsent + (NEW.{_UNSENT}) - (OLD.{_UNSENT}),
        in_progress = in_progress + (NEW.{_RUNNING}) - (OLD.{_RUNNING});
END;
CREATE TRIGGER IF NOT EXISTS tally_result_gone AFTER DELETE ON result BEGIN
    UPDATE tally SET unsent = unsent - (OLD.{_UNSENT}), in_progress = in_progress - (OLD.{_RUNNING});
END;
CREATE TRIGGER IF NOT EXISTS tally_result_received AFTER UPDATE OF received ON result
WHEN NEW.received IS NOT NULL AND OLD.received IS NULL AND NEW.{_COUNTED} BEGIN
    INSERT INTO hourly VALUES (CAST(NEW.received / {HOUR} AS INTEGER), NEW.{_GOOD}, NOT NEW.{_GOOD})
    ON CONFLICT (hour) DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad;
END;
CREATE INDEX IF NOT EXISTS workunit_failed ON workunit (id) WHERE error_mask != 0;
CREATE INDEX IF NOT EXISTS host_seen ON host (last_rpc, id, platform);
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many workunits, and how many results that are not over, there are now."""

    workunits: int
    succeeded: int
    failed: int
    unsent: int
    in_progress: int


@dataclass(frozen=True, slots=True)
class Hour:
    """Results received in an hour: successes and errors. start: unix time."""

    start: int
    good: int
    bad: int


def ensure(db: sqlite3.Connection) -> None:
    """Let the database keep counts from now on, if it does not yet. Raises sqlite3.Error."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'host_seen'").fetchone() is None:
        db.executescript(_TABLES)


def tally(db: sqlite3.Connection) -> Tally:
    """What there is now."""
    return Tally(*db.execute("SELECT * FROM tally").fetchone())


def hours(db: sqlite3.Connection, count: int, now: float) -> list[Hour]:
    """The last so many hours, oldest first; the last one is not over."""
    last = int(now // HOUR)
    found = {row["hour"]: row for row in db.execute("SELECT * FROM hourly WHERE hour > ?", (last - count,))}
    return [
        Hour(hour * HOUR, found[hour]["good"], found[hour]["bad"])
        if hour in found
        else Hour(hour * HOUR, 0, 0)
        for hour in range(last - count + 1, last + 1)
    ]
