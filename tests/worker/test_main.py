"""The worker by hand, and what it gives the task."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.worker.job import BOOT, COUNT, RETURN, ROOT, Jobs, count, processes_in


@pytest.mark.fault("standalone, without a client", "init_data.xml is missing")
def test_by_hand_it_runs_without_client_files_and_cleans_up(jobs: Jobs) -> None:
    job = jobs(RETURN, 1, client=False)
    assert job.run() == 0
    assert job.value() == (1,)
    names = sorted(path.name for path in job.slot.iterdir())
    assert names == ["pymw_arguments", "pymw_bundle", "pymw_log", "pymw_result", "stderr.txt"]
    assert job.run() == 0, "and again"


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_by_hand_ctrl_c_and_sigterm_end_task_and_worker(jobs: Jobs, number: int, code: int) -> None:
    job = jobs(COUNT, client=False)
    process = job.start()
    count(job)
    process.send_signal(number)
    assert job.wait(20) == code
    assert not job.path("pymw_result").exists()
    assert not processes_in(job.slot)


@pytest.mark.fault("SIGTERM to the worker")
def test_under_a_client_sigterm_ends_it_so_that_the_client_counts_no_failure(jobs: Jobs) -> None:
    job = jobs(COUNT)
    process = job.start()
    count(job)
    process.send_signal(signal.SIGTERM)
    assert job.wait(20) == -signal.SIGTERM
    assert not processes_in(job.slot)


def test_by_hand_a_killed_task_is_reported_at_once(jobs: Jobs) -> None:
    job = jobs("import os\ndef task():\n    os.kill(os.getpid(), 9)\n", client=False)
    assert job.run() == 195
    assert "SIGKILL" in job.outcome().message


def test_help_tells_how_to_use_it_by_hand_and_a_wrong_option_is_one_sentence(jobs: Jobs) -> None:
    job = jobs(RETURN, client=False)
    command = [sys.executable, "-m", "pymw_worker"]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "By hand" in shown and "--max-result" in shown
    for option in (["--no-such"], ["--data", "x"], ["--data", "../x=y"], ["stray"]):
        wrong = subprocess.run([*command, *option], capture_output=True, text=True, check=False, cwd=job.slot)
        assert wrong.returncode == 2
        assert "Traceback" not in wrong.stderr


@pytest.mark.fault(
    "LD_LIBRARY_PATH set by the client", "PYTHONPATH set by the volunteer", "PYTHONHOME set by the volunteer"
)
def test_the_tasks_environment_is_clean_and_its_temporary_files_are_in_the_slot(jobs: Jobs) -> None:
    job = jobs(
        "import os, sys, tempfile\ndef task():\n"
        "    names = [n for n in os.environ if n.startswith('PYTHON') or n.endswith('LIBRARY_PATH')]\n"
        "    return sorted(names), tempfile.gettempdir(), hash('a'), os.getcwd(), os.environ['PYMW_SLOT']\n"
    )
    os.environ["PYTHONPATH"] = "/nowhere"
    try:
        assert job.run() == 0
        first = job.value()
    finally:
        del os.environ["PYTHONPATH"]
    names, scratch, seed, folder, slot = first
    assert names == ["PYTHONHASHSEED", "PYTHONIOENCODING"]
    assert scratch.startswith(str(job.slot)) and folder == str(job.slot / "pymw_task")
    assert slot == str(job.slot)
    (job.slot / "boinc_finish_called").unlink()
    assert job.run() == 0
    assert job.value()[2] == seed, "replicas must hash alike"


def test_a_file_given_by_data_is_seen_under_its_name(jobs: Jobs) -> None:
    job = jobs("def task():\n    return open('tables/a.txt').read()\n")
    (job.project / "physical").write_text("inside")
    assert job.client
    job.client.link("logical", str(job.project / "physical"))
    assert job.run("--data", "tables/a.txt=logical") == 0
    assert job.value() == "inside"


def test_a_worker_that_has_no_stderr_appends_to_stderr_txt(jobs: Jobs) -> None:
    job = jobs(RETURN)
    (job.slot / "stderr.txt").write_text("before\n")
    command = [sys.executable, "-E", "-c", BOOT, str(ROOT / "worker")]
    subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command], cwd=job.slot, check=True)
    assert job.stderr().startswith("before\n") and "the task returned a value" in job.stderr()
