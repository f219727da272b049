"""The supervisor as a client sees it: messages, status, restarts. The client is played, all else is real."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.bench.fake_client import wait_for
from tests.bench.soak import rounds
from tests.faults.plugin import Held
from tests.worker.job import COUNT, RETURN, Jobs, count, processes_in, tasks_in

pytestmark = pytest.mark.forks_too

CHECKPOINTED = """
import time, pymw_worker
from pymw_worker import checkpoint
def task(steps):
    state = checkpoint.load({"step": 0, "visits": 0})
    state["visits"] += 1
    open("kept", "a").write("%d\\n" % state["step"])
    while state["step"] < steps:
        end = time.time() + 0.05
        while time.time() < end:
            pass
        state["step"] += 1
        checkpoint.save(state)
        pymw_worker.progress(state["step"] / float(steps))
        open("../step", "a").write("%d\\n" % state["step"])
    return state, open("kept").read()
"""


@pytest.mark.fault("suspended and resumed")
def test_suspend_stops_the_task_and_resume_lets_it_go_on(jobs: Jobs) -> None:
    job = jobs(COUNT, 4)
    started = time.monotonic()
    job.start()
    count(job)
    assert job.client
    assert job.client.send("<suspend/>") < 1.0
    time.sleep(0.3)
    held = count(job)
    job.client.receive()
    time.sleep(1.3)
    assert count(job) == held
    assert job.client.receive() == "", "no status while suspended"
    job.client.send("<resume/>")
    wait_for(lambda: count(job) > held, 30, "the task to go on")
    assert job.wait() == 0
    assert float(job.log().facts["elapsed"]) < time.monotonic() - started - 1.3


@pytest.mark.soak
@pytest.mark.fault("suspended and resumed each second for 60 s")
def test_throttling_every_second_holds_the_task_half_of_the_time(jobs: Jobs, held: Held) -> None:
    job = jobs(COUNT)
    job.start()
    count(job)
    assert job.client
    delays = []
    cycles = rounds(5, 30)
    for _ in range(cycles):
        delays.append(job.client.send("<suspend/>"))
        time.sleep(0.3)
        reached = count(job)
        time.sleep(0.65)
        assert count(job) == reached
        delays.append(job.client.send("<resume/>"))
        time.sleep(0.9)
        wait_for(lambda: count(job) > reached, 30, "the task to go on")  # noqa: B023
    assert max(delays) < 1.0
    held("seconds of suspending and resuming", 2 * cycles)
    job.client.send("<abort/>")
    assert job.wait() == 194


@pytest.mark.parametrize(
    "message, code, suspended",
    [
        pytest.param("<quit/>", 0, False, marks=pytest.mark.fault("quit while the task runs")),
        pytest.param("<quit/>", 0, True, marks=pytest.mark.fault("quit while the task is suspended")),
        pytest.param("<abort/>", 194, False, marks=pytest.mark.fault("aborted")),
        pytest.param("<abort/>", 194, True, marks=pytest.mark.fault("aborted")),
    ],
)
def test_quit_and_abort_end_the_whole_tree_without_a_finish_file(
    jobs: Jobs, message: str, code: int, suspended: bool
) -> None:
    job = jobs(COUNT)
    job.start()
    count(job)
    assert job.client
    if suspended:
        job.client.send("<suspend/>")
    job.client.send(message)
    assert job.wait(20) == code
    assert not job.succeeded()
    assert not processes_in(job.slot)
    assert not (job.slot / "boinc_lockfile").exists()


@pytest.mark.fault("several tags in one message, unknown ones among them", "a message of 1023 bytes")
def test_several_tags_may_share_a_message_of_full_length(jobs: Jobs) -> None:
    job = jobs(COUNT)
    job.start()
    count(job)
    assert job.client
    job.client.send(("<unknown/>" * 101)[:1000] + "<suspend/><abort/>")
    assert job.wait(20) == 194


def test_reread_app_info_takes_the_new_fraction_range(jobs: Jobs) -> None:
    job = jobs("import time, pymw_worker\ndef task():\n    pymw_worker.progress(0.5)\n    time.sleep(60)\n")
    job.start()
    assert job.client
    client = job.client
    wait_for(lambda: client.status()["fraction_done"] == 0.5, 30, "progress")
    client.fields["fraction_done_start"] = 0.5
    client.write_init_data()
    client.send("<reread_app_info/>")
    wait_for(lambda: client.status()["fraction_done"] == 0.75, 30, "progress in the new range")
    client.send("<abort/>")
    assert job.wait() == 194


@pytest.mark.fault("the client has stopped reading, and the channel stays full")
def test_the_last_report_does_not_wait_for_a_client_that_has_stopped_reading(jobs: Jobs) -> None:
    job = jobs(COUNT, 1.5)
    job.start()
    started = time.monotonic()
    assert job.process and job.process.wait(20) == 0  # nobody reads the reports
    assert time.monotonic() - started < 20
    assert job.succeeded()


def test_reports_give_cpu_time_and_progress_and_no_checkpoint_without_one(jobs: Jobs) -> None:
    job = jobs(
        "import pymw_worker\ndef task():\n    pymw_worker.progress(0.25)\n    while True:\n        pass\n"
    )
    job.start()
    assert job.client
    first, second = job.client.status(), job.client.status()
    assert 0.1 < second["current_cpu_time"] - first["current_cpu_time"] < 5
    assert second["fraction_done"] == 0.25
    assert first["checkpoint_cpu_time"] == second["checkpoint_cpu_time"] == 0
    job.client.send("<abort/>")
    assert job.wait() == 194


@pytest.mark.fault("quit, and resumed from a checkpoint")
def test_quit_and_start_again_goes_on_from_the_checkpoint_with_cumulative_cpu_time(jobs: Jobs) -> None:
    job = jobs(CHECKPOINTED, 60)
    job.start()
    assert job.client
    client = job.client

    def checkpointed() -> bool:
        status.update(client.status())
        return status["checkpoint_cpu_time"] > 0

    status: dict[str, float] = {}
    wait_for(checkpointed, 30, "a checkpoint")
    client.send("<quit/>")
    assert job.wait() == 0
    reached = int(job.until("step"))
    assert reached < 60
    client.fields["wu_cpu_time"] = status["checkpoint_cpu_time"]
    client.fields["starting_elapsed_time"] = 100
    client.write_init_data()
    job.start()
    again = client.status()
    assert again["current_cpu_time"] > status["checkpoint_cpu_time"]
    assert job.wait() == 0
    state, kept = job.value()
    assert state == {"step": 60, "visits": 2 if reached else 1}
    assert kept.split()[0] == "0" and reached - 1 <= int(kept.split()[1]) <= reached
    assert job.log().facts["restarts"] == "1"
    assert float(job.log().facts["elapsed"]) > 100


@pytest.mark.fault("quit without a checkpoint", "the slot is used again, with leftovers")
def test_without_a_checkpoint_a_restart_begins_in_an_empty_folder(jobs: Jobs) -> None:
    source = (
        "import os, time\ndef task():\n"
        "    found = os.listdir('.')\n"
        "    open('leftover', 'w').close()\n"
        "    os.mkdir('locked')\n"
        "    open('locked/file', 'w').close()\n"
        "    os.chmod('locked', 0)\n"
        "    if not os.path.exists('../again'):\n"
        "        open('../again', 'w').write('1\\n')\n"
        "        time.sleep(60)\n"
        "    return 'leftover' in found\n"
    )
    job = jobs(source)
    job.start()
    job.until("again")
    assert job.client
    job.client.send("<quit/>")
    assert job.wait() == 0
    assert job.run() == 0
    assert job.value() is False


@pytest.mark.fault("the slot is used again, with leftovers")
def test_a_slot_with_the_leftovers_of_another_job_starts_afresh(jobs: Jobs) -> None:
    first, second = jobs(CHECKPOINTED, 1000), jobs(RETURN, 1)
    first.start()
    first.until("step")
    assert first.client
    first.client.send("<quit/>")
    assert first.wait() == 0
    for name in ("pymw_bundle", "pymw_arguments"):
        first.path(name).write_bytes(second.path(name).read_bytes())
    assert first.run() == 0
    assert first.value() == (1,)
    assert first.log().facts["restarts"] == "0"


@pytest.mark.fault("is killed for memory")
def test_a_task_that_is_killed_is_tried_again_twice_and_then_taken_for_too_large(jobs: Jobs) -> None:
    job = jobs("import os\ndef task():\n    os.kill(os.getpid(), 9)\n")
    for _ in range(2):
        assert job.run() == 0
        assert not job.succeeded()
        lines = (job.slot / "boinc_temporary_exit").read_text().splitlines()
        assert int(lines[0]) == 600
        assert "SIGKILL" in lines[1] and "ran out of memory" in lines[1]
    assert job.run() == 205
    assert not (job.slot / "boinc_temporary_exit").exists()


@pytest.mark.fault("kill -9 of the task")
def test_a_checkpoint_between_two_kills_begins_the_count_anew(jobs: Jobs) -> None:
    job = jobs(
        "import os, time\nfrom pymw_worker import checkpoint\n"
        "def task():\n"
        "    visits = checkpoint.load(0) + 1\n"
        "    checkpoint.save(visits)\n"
        "    open('../visit', 'a').write('%d\\n' % visits)\n"
        "    if visits == 4:\n"
        "        return visits\n"
        "    time.sleep(60)\n"
    )
    for visit in range(1, 4):
        job.start()
        wait_for(lambda: job.until("visit") == str(visit), 30, "the task")  # noqa: B023
        assert job.client
        first = job.client.status()["checkpoint_cpu_time"]
        assert first > 0 or job.client.status()["checkpoint_cpu_time"] > 0
        (victim,) = tasks_in(job.slot)
        os.kill(victim, signal.SIGKILL)
        assert job.wait() == 0
        assert "postpone" not in job.stderr()
    assert job.run() == 0
    assert job.value() == 4


@pytest.mark.parametrize(
    "end, seconds, words",
    [("os.kill(os.getpid(), 15)", 60, "SIGTERM"), ("os._exit(74)", 600, "disk is full")],
)
def test_an_end_that_is_not_the_tasks_own_fault_postpones_the_job(
    jobs: Jobs, end: str, seconds: int, words: str
) -> None:
    job = jobs(f"import os\ndef task():\n    {end}\n")
    assert job.run() == 0
    assert not job.succeeded()
    lines = (job.slot / "boinc_temporary_exit").read_text().splitlines()
    assert int(lines[0]) == seconds and words in lines[1]


@pytest.mark.fault("quit while the result is written")
def test_an_outcome_that_was_there_when_the_client_said_quit_is_delivered_by_the_next_run(jobs: Jobs) -> None:
    job = jobs(
        "import os, time\nfrom pymw_worker import outcome\n"
        "def task():\n"
        "    open('../ran', 'a').write('1\\n')\n"
        "    outcome.write('../pymw_outcome', outcome.EXCEPTION, 'ValueError', 'early')\n"
        "    open('../count', 'a').write('1\\n')\n"
        "    time.sleep(60)\n"
    )
    job.start()
    count(job)
    assert job.client
    job.client.send("<quit/>")
    assert job.wait() == 0
    assert job.run() == 0
    assert job.outcome().message == "early"
    assert (job.slot / "ran").read_text() == "1\n"
    assert job.succeeded()
