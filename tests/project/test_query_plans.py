"""No query that is asked again and again reads a whole table, however many workunits there are."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pymw.project import database, housekeeping, outcomes, submission
from pymw.project.jobs import Workunit
from pymw.project.layout import Layout
from pymw.project.request import Computer, Report, SchedulerRequest, UploadedFile
from pymw.project.scheduler import Scheduler
from pymw.project.settings import Settings
from pymw.project.uploads import Digest

from tests.project.test_histories import empty_project

SETTINGS = Settings(name="Lab", url="http://127.0.0.1:8080/pymw/")
# What may be read whole: an index (or a table as small) to be counted; what has few rows, the last of which
# is what housekeeping cuts off at 10,000.
COUNTED = re.compile(r"SCAN (finished|\w+ USING (COVERING )?INDEX \w+): SELECT count\(\*\) FROM")
SMALL = ("app_version", "app_file", "host", "account", "(subquery-1)", "waiting")


@pytest.fixture
def statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What is asked of the database while something is done with it."""
    monkeypatch.setattr("secrets.randbits", lambda bits: 1)  # part of the names of output files
    db = database.connect(empty_project(tmp_path))
    workunits = [Workunit(name=f"wu{number}", inputs=(), batch="b") for number in range(20)]
    with database.transaction(db):
        submission.submit(db, workunits, 0)
    asked = list[str]()
    db.set_trace_callback(asked.append)
    scheduler = Scheduler(SETTINGS, "key", b"secret")

    def do(reports: list[Report], found: dict[str, Digest], now: float) -> list[str]:
        request = SchedulerRequest(
            *("0" * 32, int(bool(reports)), 1, "7", ("p",), True, 1.0, 4.0, "key"),
            computer=Computer("cpid", "", "", 1, 1e9, 1e9),
            reports=reports,
            others={"wu9_0"},
            files=["bundle"],
        )
        scheduler.answer(db, request, found, "", now)
        housekeeping.tidy(db, SETTINGS, 1e6, now)
        outcomes.counts(db)
        outcomes.hosts(db)
        outcomes.progress(db, ["wu1"])
        outcomes.finished_since(db, Layout(tmp_path), 0, 10)
        outcomes.last_sequence(db)
        return [text for text in asked if re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT)", text)]

    def plans(*about: object) -> list[str]:
        return [
            f"{row['detail']}: {text}"
            for text in dict.fromkeys(do(*about))  # type: ignore[arg-type]
            for row in db.execute(f"EXPLAIN QUERY PLAN {text}").fetchall()
        ]

    return plans


def test_no_hot_query_reads_a_whole_table(statements: Callable[..., list[str]]) -> None:
    statements([], {}, 0.0)
    output = UploadedFile(1, "a", False)
    success = Report("wu0_0", 0, 5, 1.0, 1.0, "", {"wu0_0_r1_0": output})
    failure = Report("wu1_0", 1, 3, 1.0, 1.0, "", {})
    plans = statements([success, failure], {"wu0_0_r1_0": Digest(1, "a", b"a" * 32)}, 1e6)
    assert len(plans) > 30
    scans = [plan for plan in plans if plan.startswith("SCAN")]
    wrong = [plan for plan in scans if plan.split()[1].rstrip(":") not in SMALL and not COUNTED.match(plan)]
    assert wrong == []
