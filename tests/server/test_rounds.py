"""Rounds that are cut short: large files, a stop, a database that fails in the middle."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from pymw.errors import ProjectError
from pymw.server.assimilator import handover
from pymw.server.assimilator.daemon import Daemon
from pymw.server.assimilator.log import Log
from pymw.server.assimilator.queue import Queue
from pymw.server.assimilator.stopping import Stop

from tests.server.stock_project import Attempt, StockProject

BATCH = "pymw_0123456789ab"
JOBS = [f"{BATCH}_{number}" for number in range(20)]
VALUE = Attempt(files={"pymw_result": b"value", "pymw_log": b"log"})


class StopsAfter(Stop):
    """Wants to stop when it has been asked so often."""

    def __init__(self, times: int) -> None:
        super().__init__(Path("missing"))
        self._left = times

    def wanted(self, seconds: float = 0) -> bool:
        self._left -= 1
        return self._left < 0


class Calls(StopsAfter):
    """Does something when it has been asked so often, and stops never."""

    def __init__(self, times: int, something: Callable[[], object]) -> None:
        super().__init__(times)
        self._something = something

    def wanted(self, seconds: float = 0) -> bool:
        self._left -= 1
        if self._left == 0:
            self._something()
        return False


def one_pass(project: StockProject, stop: Stop) -> tuple[bool, str]:
    """One pass; returns whether nothing was left, and the log."""
    log = io.StringIO()
    return Daemon(project.home, project.tasks, Log(log), stop, "pymw").one_pass(), log.getvalue()


def test_a_round_that_takes_long_hands_over_what_it_has(
    stock_project: StockProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "_LONG", 0.0)
    batch = stock_project.tasks.create(BATCH)
    stock_project.finished(dict.fromkeys(JOBS, VALUE))
    everything, log = one_pass(stock_project, StopsAfter(1000))
    assert everything
    assert log.count("Assimilated 1 workunits.") == len(JOBS)
    assert [each.name for each in batch.news()] == JOBS
    assert set(stock_project.states().values()) == {2}


def test_a_stop_ends_a_round_after_the_workunit_at_hand(stock_project: StockProject) -> None:
    batch = stock_project.tasks.create(BATCH)
    stock_project.finished(dict.fromkeys(JOBS, VALUE))
    _, log = one_pass(stock_project, StopsAfter(6))
    assert "Assimilated 5 workunits." in log  # one look is before the round
    assert [each.name for each in batch.news()] == JOBS[:5]
    assert [stock_project.states()[name] for name in JOBS] == [2] * 5 + [1] * 15
    assert not (batch.folder / f"{JOBS[5]}.result").exists()


def test_a_task_dir_that_goes_in_the_middle_of_a_round_loses_nothing(stock_project: StockProject) -> None:
    batch = stock_project.tasks.create(BATCH)
    stock_project.finished(dict.fromkeys(JOBS, VALUE))
    folder, away = stock_project.task_dir, stock_project.task_dir.with_name("away")

    def unmount() -> None:
        folder.rename(away)
        folder.mkdir()

    with pytest.raises(ProjectError, match="or its file system is not mounted"):
        one_pass(stock_project, Calls(6, unmount))
    assert set(stock_project.states().values()) == {1}
    folder.rmdir()
    away.rename(folder)
    assert one_pass(stock_project, StopsAfter(1000))[0]
    assert [each.name for each in batch.news()] == JOBS
    assert set(stock_project.states().values()) == {2}


def test_a_batch_that_its_program_removes_in_the_middle_of_a_round_is_done(
    stock_project: StockProject,
) -> None:
    stock_project.tasks.create(BATCH)
    stock_project.finished(dict.fromkeys(JOBS, VALUE))
    _, log = one_pass(stock_project, Calls(6, lambda: stock_project.tasks.remove(BATCH, print)))
    everything, more = one_pass(stock_project, StopsAfter(1000))
    assert everything
    assert "CRITICAL" not in log + more
    assert set(stock_project.states().values()) == {2}


def test_a_batch_that_cannot_be_looked_at_is_left(stock_project: StockProject) -> None:
    (stock_project.task_dir / BATCH).symlink_to(BATCH)
    stock_project.finished(dict.fromkeys([*JOBS, "other_1"], VALUE))
    everything, log = one_pass(stock_project, StopsAfter(1000))
    assert not everything
    assert f"{BATCH} cannot be read: Too many levels of symbolic links; it is tried again" in log
    assert {name for name, state in stock_project.states().items() if state == 2} == {"other_1"}


def test_a_database_that_fails_after_the_journal_makes_no_second_line(
    stock_project: StockProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = stock_project.tasks.create(BATCH)
    stock_project.finished(dict.fromkeys(JOBS, VALUE))
    mark_done, fail = Queue.mark_done, [True]

    def fails_once(self: Queue, ids: list[int]) -> None:
        if fail:
            fail.pop()
            raise ProjectError("the database failed: Deadlock found")
        mark_done(self, ids)

    monkeypatch.setattr(Queue, "mark_done", fails_once)
    log = io.StringIO()
    stop = StopsAfter(5 + 2 * len(JOBS))
    Daemon(stock_project.home, stock_project.tasks, Log(log), stop, "pymw").run(0)
    assert log.getvalue().count("Deadlock found; waiting for that to change") == 1
    assert "The work: all right again" in log.getvalue()
    assert len((batch.folder / "ended.jsonl").read_bytes().splitlines()) == len(JOBS)
    assert set(stock_project.states().values()) == {2}
