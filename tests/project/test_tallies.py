"""What pages show costs the same however much there is, and is right."""

import sqlite3
import time
from collections.abc import Callable

from pymw.project import database, tallies
from pymw.project.layout import Layout
from pymw.project.project import Project
from pymw.project.web import figures, listings

from tests.project import filled
from tests.project.played import Played


def database_of(project: Project) -> sqlite3.Connection:
    return database.connect(Layout(project.folder).database)


def steps(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], object]) -> int:
    """About how many instructions SQLite carries out for this."""
    count = 0

    def more() -> int:
        nonlocal count
        count += 100
        return 0

    db.set_progress_handler(more, 100)
    work(db)
    db.set_progress_handler(None, 0)
    return count


def test_a_page_costs_the_same_with_a_hundred_thousand_workunits(project: Project) -> None:
    filled.fill(project, 100_000)
    db = database_of(project)
    looks: dict[str, Callable[[sqlite3.Connection], object]] = {
        "front": lambda db: figures.read(db, True, 1.8e9),
        "running": lambda db: listings.running(db, ""),
        "failed": lambda db: listings.failed(db, "50000"),
        "all": lambda db: listings.newest(db, "50000"),
        "batch": lambda db: listings.newest(db, "50000", "sweep/3"),
        "batches": lambda db: listings.batches(db, ""),
        "task": lambda db: (listings.workunit(db, 500), listings.results(db, 500, "", 10)),
    }
    assert {name: count for name, look in looks.items() if (count := steps(db, look)) > 10_000} == {}
    # Each computer's tasks are counted, and they have three thousand in this project.
    assert steps(db, lambda db: listings.hosts(db, "")) < 40_000
    db.close()


def recounted(db: sqlite3.Connection) -> tallies.Tally:
    row = db.execute(
        "SELECT count(*), count(canonical), total(error_mask != 0),"
        "(SELECT count(*) FROM result WHERE state = 2),"
        "(SELECT count(*) FROM result WHERE state = 4) FROM workunit"
    ).fetchone()
    return tallies.Tally(*row)


def test_running_counts_are_right_whatever_happens(
    project: Project, play: Callable[..., Played], submit: Callable[..., object]
) -> None:
    db = database_of(project)
    for number in range(8):
        submit(f"wu_{number}", batch=f"b{number % 2}", target_nresults=1 + number % 2)
    good, bad = play(ncpus=3), play(ncpus=3)
    good.ask()
    bad.ask()
    for client, end in ((good, good.finish), (bad, lambda name: bad.fail(name, 1))):
        for name in list(client.tasks)[:3]:
            end(name)
        client.ask(0)
        assert tallies.tally(db) == recounted(db)
    project.cancel(batch="b1")
    assert tallies.tally(db) == recounted(db)
    project.forget("b1")
    tally = tallies.tally(db)
    assert tally == recounted(db) and tally.workunits == 4
    (hour,) = [hour for hour in tallies.hours(db, 48, time.time()) if hour.good + hour.bad]
    assert (hour.good, hour.bad) == (3, 3)
    db.close()


def test_a_project_without_counts_gets_them(project: Project) -> None:
    filled.fill(project)
    db = database_of(project)
    known, hours = tallies.tally(db), db.execute("SELECT * FROM hourly").fetchall()
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in names:
        db.execute(f"DROP TRIGGER {name}")
    db.executescript("DROP TABLE tally; DROP TABLE hourly; DROP INDEX host_seen; DROP INDEX workunit_failed")
    db.close()
    again = database_of(project)
    assert tallies.tally(again) == known == recounted(again)
    assert [tuple(row) for row in again.execute("SELECT * FROM hourly")] == [tuple(row) for row in hours]
    again.close()
