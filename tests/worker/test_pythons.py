"""A whole life of a job, with the worker under every Python of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.fake_client import wait_for
from tests.worker.job import Job, Jobs
from tests.worker.test_interpreters import VERSIONS

STEPS = """
import time, pymw_worker
from pymw_worker import checkpoint
def task(steps):
    step = checkpoint.load(0)
    while step < steps:
        step += 1
        checkpoint.save(step)
        pymw_worker.progress(step / float(steps))
        out = open("../step", "a")
        out.write("%d\\n" % step)
        out.close()
        time.sleep(0.05)
    print("done")
    return step
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_suspend_resume_quit_and_go_on_from_the_checkpoint(
    jobs: Jobs, find_python: Callable[[str], Path], version: str
) -> None:
    job: Job = jobs(STEPS, 40, python=str(find_python(version)))
    job.start()
    job.until("step")
    assert job.client
    client = job.client
    wait_for(lambda: client.status()["checkpoint_cpu_time"] > 0, 30, "a checkpoint")
    client.send("<suspend/>")
    client.send("<resume/>")
    client.send("<quit/>")
    assert job.wait() == 0
    assert not job.succeeded()
    reached = int(job.until("step"))
    assert 0 < reached < 40
    assert job.run() == 0
    assert job.value() == 40
    assert job.succeeded()
    assert job.log().stdout == b"done\n"
    steps = [int(line) for line in (job.slot / "step").read_text().splitlines()]
    assert len(steps) <= 41, "no step twice but perhaps the one that was interrupted"
