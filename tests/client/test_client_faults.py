"""What a real, unmodified BOINC client does to a task, and what becomes of the task when the client dies."""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from pymw_packager import client_folder
from pymw_packager.trial import Ended, Trial, TrialError

from tests.bench.fake_client import wait_for
from tests.bench.packages import Packages, job_of, value_in
from tests.bench.soak import rounds
from tests.client import jobs
from tests.faults.plugin import Held
from tests.worker.job import alive, processes_in, tasks_in

Volunteer = Callable[..., Trial]
COMPLAINTS = re.compile(
    r"no 'finished' file|If this happens repeatedly|timed? ?out|kill|too many", re.IGNORECASE
)


@pytest.fixture
def volunteer(boinc_client: None, packages: Packages, tmp_path: Path) -> Volunteer:
    """This machine, with an unpacked Python: the task's process is a fork of the worker."""
    app_version = packages.get("x86_64-pc-linux-gnu", prefer="embedded")
    return lambda job, name="client": Trial(tmp_path / name, app_version, job)


def slot_of(trial: Trial) -> Path:
    return trial.folder / "slots" / "0"


def leave(trial: Trial) -> None:
    """Kill the client alone, as a crash does: what it started is not asked."""
    pid = trial.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(TrialError, match="ended before it could live"):
        trial.wait_for(lambda: False, 10, "live")


def assert_counted(ended: Ended, steps: int) -> list[int]:
    """The task of jobs.count_with_checkpoints was a success; the steps at which it began."""
    assert ended.succeeded, ended.stderr
    done, starts = value_in(ended.outputs["pymw_result"])
    assert done == sum(range(steps))
    return list(starts)


@pytest.mark.soak
@pytest.mark.fault(
    "throttled by the client to 50 % for 60 s",
    "the client's time-out of 180 s for a message is never reached",
)
def test_a_task_that_the_client_throttles_runs_every_other_second(volunteer: Volunteer, held: Held) -> None:
    seconds = rounds(8, 60)
    trial = volunteer(job_of(jobs.tick, seconds))
    half = client_folder.preferences(1).replace("<cpu_usage_limit>100<", "<cpu_usage_limit>50<")
    (trial.folder / "global_prefs_override.xml").write_text(half)
    with trial:
        ended = trial.wait(seconds + 60)
    assert ended.succeeded, ended.stderr
    ticks = value_in(ended.outputs["pymw_result"])
    pauses = [after - before for before, after in itertools.pairwise(ticks) if after - before > 0.5]
    assert abs(len(pauses) - seconds / 2) <= 2, pauses
    assert 0.4 < sum(pauses) / (ticks[-1] - ticks[0]) < 0.6
    assert max(pauses) < 2
    assert ended.elapsed_seconds < 0.7 * seconds + 3, "time in which it was held does not count"
    assert not COMPLAINTS.search(trial.log())
    held("seconds throttled by a real client", seconds)


@pytest.mark.soak
@pytest.mark.fault(
    "kill -9 of the worker",
    "kill -9 of the launcher",
    "SIGTERM to the worker",
    "the restart counter near 100",
)
def test_a_worker_that_is_ended_again_and_again_still_ends_its_task(
    volunteer: Volunteer, held: Held, tmp_path: Path
) -> None:
    """On Unix the launcher has become the worker. After a hundred restarts that count, a client gives up."""
    kills = rounds(4, 105)
    enough = tmp_path / "enough"
    with volunteer(job_of(jobs.count_until, str(enough), 10)) as trial:
        ended_before = set[int | None]({None})
        for number in range(kills):
            trial.wait_for(lambda: trial.status().pid not in ended_before, 30, "start the worker")
            pid = trial.status().pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL if number % 2 else signal.SIGTERM)
            ended_before.add(pid)
            wait_for(lambda: not alive(pid), 30, "the worker to end")  # noqa: B023
        enough.touch()
        ended = trial.wait(60)
    assert ended.succeeded, ended.stderr
    steps, done = value_in(ended.outputs["pymw_result"])
    assert done == sum(range(steps))
    assert steps >= 10
    assert not COMPLAINTS.search(trial.log())
    held("kills of the worker under a real client", kills)


@pytest.mark.fault("kill -9 of the task")
def test_a_task_that_is_killed_is_postponed_with_the_reason(volunteer: Volunteer) -> None:
    with volunteer(job_of(jobs.count, 1000, 0.1)) as trial:
        trial.wait_for(lambda: trial.status().fraction_done > 0, 30, "report progress")
        (victim,) = tasks_in(slot_of(trial))
        os.kill(victim, signal.SIGKILL)
        trial.wait_for(lambda: "postponed for 600 seconds" in trial.log(), 20, "postpone the task")
        assert "SIGKILL" in trial.log()
        assert not processes_in(slot_of(trial))
        assert not trial.status().over


@pytest.mark.fault("kill -9 of the client", "the client is restarted", "the slot's lock is held")
def test_a_client_that_crashes_and_is_started_at_once_finds_its_task_again(volunteer: Volunteer) -> None:
    """The old worker notices within 10 s; until then it holds the slot's lock, and the new one waits."""
    with volunteer(job_of(jobs.count_with_checkpoints, 40, 0.3)) as trial:
        trial.wait_for(lambda: trial.status().checkpoint_cpu_seconds > 0, 60, "see a checkpoint")
        first = processes_in(slot_of(trial))
        leave(trial)
        trial.start()
        assert [pid for pid in first if alive(pid)], "the first worker cannot know yet"
        wait_for(lambda: not [pid for pid in first if alive(pid)], 20, "the first worker and its task to end")
        ended = trial.wait(60)
    starts = assert_counted(ended, 40)
    assert len(starts) == 2 and 0 == starts[0] < starts[1]


@pytest.mark.fault("a stale finish file", "kill -9 of the client")
def test_a_task_that_ended_while_there_was_no_client_is_a_success(volunteer: Volunteer) -> None:
    with volunteer(job_of(jobs.count, 15, 0.2)) as trial:
        trial.wait_for(lambda: trial.status().fraction_done > 0, 30, "report progress")
        leave(trial)
        wait_for((slot_of(trial) / "boinc_finish_called").exists, 20, "the finish file")
        wait_for(lambda: not processes_in(slot_of(trial)), 20, "the worker to end")
        trial.start()
        ended = trial.wait(60)
    assert ended.succeeded, ended.stderr
    assert value_in(ended.outputs["pymw_result"]) == sum(range(15))


@pytest.mark.fault("low priority, and no_priority_change")
@pytest.mark.parametrize(
    ("option", "expected"), [("", 19), ("<no_priority_change>1</no_priority_change>", 0)]
)
def test_the_task_runs_at_the_priority_that_the_client_has_chosen(
    volunteer: Volunteer, option: str, expected: int
) -> None:
    trial = volunteer(job_of(jobs.niceness))
    path = trial.folder / "cc_config.xml"
    path.write_text(path.read_text().replace("</options>", f"{option}</options>"))
    with trial:
        ended = trial.wait(60)
    assert ended.succeeded, ended.stderr
    assert value_in(ended.outputs["pymw_result"]) == expected + os.nice(0)


@pytest.mark.fault("& in a path in init_data.xml", "letters that are not ASCII in paths", "spaces in paths")
def test_a_client_in_a_folder_with_a_difficult_name(volunteer: Volunteer) -> None:
    with volunteer(job_of(jobs.total, [20, 22]), "R&D  Ödön <日本>") as trial:
        ended = trial.wait(60)
    assert ended.succeeded, ended.stderr
    assert value_in(ended.outputs["pymw_result"]) == 42
