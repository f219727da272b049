"""The slot folder: only one worker at a time, and none when the job is done."""

from __future__ import annotations

import pytest

from tests.worker.job import COUNT, RETURN, Jobs, count


@pytest.mark.fault("a stale finish file")
def test_a_stale_finish_file_ends_the_worker_at_once_with_its_code(jobs: Jobs) -> None:
    job = jobs(RETURN)
    (job.slot / "boinc_finish_called").write_text("0\n")
    assert job.run() == 0
    assert not job.path("pymw_result").exists()


LOCKING = (
    "import sys\nsys.path[0]=sys.argv.pop(1)\nfrom pymw_worker.boinc import slot\n"
    "from pymw_worker import __main__ as m\n"
    "run = m.run\nm.run = lambda *args, **more: run(*args, **dict(more, lock_patience=1.0))\nm.main()\n"
)


@pytest.mark.fault("the slot's lock is held")
def test_a_second_worker_in_the_slot_postpones_itself_and_disturbs_nothing(jobs: Jobs) -> None:
    job = jobs(COUNT, 3)
    first = job.start()
    count(job)
    second = job.start(boot=LOCKING)
    assert second.wait(60) == 0
    lines = (job.slot / "boinc_temporary_exit").read_text().splitlines()
    assert lines[0] == "600" and "slot directory lock" in lines[1]
    job.process = first
    assert job.wait() == 0
    assert job.succeeded()


@pytest.mark.fault("the slot's lock is held")
def test_a_worker_gets_the_slot_as_soon_as_the_one_before_has_left(jobs: Jobs) -> None:
    job = jobs(COUNT, 1)
    first = job.start()
    count(job)
    second = job.start()
    assert first.wait(60) == 0
    assert second.wait(60) == 0
    assert not (job.slot / "boinc_temporary_exit").exists()
