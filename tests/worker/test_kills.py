"""The worker is killed whenever it may be, over and over: the job ends as if it had not been."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.bench.fake_client import wait_for
from tests.bench.soak import rounds
from tests.faults.plugin import Held
from tests.worker.job import Job, Jobs, processes_in

pytestmark = pytest.mark.forks_too

STEPS = """
import time
from pymw_worker import checkpoint

def task(steps):
    state = checkpoint.load({"step": 0, "sum": 0})
    while state["step"] < steps:
        time.sleep(0.02)
        state["step"] += 1
        state["sum"] += state["step"]
        checkpoint.save(state)
        out = open("../step", "a")
        out.write("%d\\n" % state["step"])
        out.close()
    return state["sum"]
"""


@pytest.mark.soak
@pytest.mark.fault("kill -9 of the worker")
def test_kill_9_of_the_worker_at_any_moment_loses_no_checkpoint(jobs: Jobs, held: Held) -> None:
    kills = rounds(6, 200)
    steps = 10 * kills
    chance = random.Random(kills)
    job: Job = jobs(STEPS, steps)
    for _ in range(kills):
        process = job.start()
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.wait()
        wait_for(lambda: not processes_in(job.slot), 30, "the task's processes to end")
    assert job.run() == 0, job.stderr()
    assert job.succeeded()
    assert job.value() == steps * (steps + 1) // 2
    done = [int(line) for line in (job.slot / "step").read_text().split()]
    assert done == sorted(done), "it never went back"
    assert len(done) <= steps, "no step was done twice"
    held("kills of the worker", kills)


@pytest.mark.soak
@pytest.mark.fault("quit while the result is written", "quit while the task runs")
def test_quit_at_any_moment_is_obeyed_and_loses_nothing(jobs: Jobs, held: Held) -> None:
    """A task that ends in a moment, so that some come while the result is written."""
    quits = rounds(6, 200)
    chance = random.Random(quits)
    ended = 0
    for _ in range(quits):
        job: Job = jobs("import time\ndef task():\n    time.sleep(0.05)\n    return 'x' * 1000000\n")
        job.start()
        assert job.client and job.process
        time.sleep(chance.uniform(0, 0.5))
        begin = 0  # whether the worker reads it, or has ended by itself
        job.client.memory[begin : begin + 9] = b"\1<quit/>\0"
        assert job.wait(20) == 0
        if not job.succeeded():
            assert not Path(job.slot / "boinc_temporary_exit").exists()
            assert job.run() == 0
        ended += job.succeeded()
        assert job.value() == "x" * 1000000
        job.close()
    assert ended == quits
    held("quits at random moments", quits)
