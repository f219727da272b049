"""How a task's end becomes result, log, stderr and exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pymw_worker import durable

from tests.worker.job import BOOT, RETURN, Jobs


def test_success_is_result_then_log_then_last_report_then_finish_file(jobs: Jobs) -> None:
    job = jobs(RETURN, 7, "x")
    assert job.run() == 0
    assert job.value() == (7, "x")
    assert (job.slot / "boinc_finish_called").read_text().splitlines()[0] == "0"
    assert "<fraction_done>1.0" in job.last_report
    assert not (job.slot / "boinc_lockfile").exists()
    written = [job.path("pymw_result"), job.path("pymw_log"), job.slot / "boinc_finish_called"]
    times = [path.stat().st_mtime_ns for path in written]
    assert times == sorted(times)


def test_an_exception_is_a_result_like_another(jobs: Jobs) -> None:
    job = jobs("def task():\n    raise KeyError('mine')\n")
    assert job.run() == 0
    assert job.succeeded()
    assert (job.outcome().status, job.outcome().type) == ("exception", "KeyError")
    assert "raise KeyError('mine')" in job.log().traceback
    assert "this is a result like another" in job.stderr()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        pytest.param(
            "os._exit(3)",
            195,
            "ended with exit status 3",
            marks=pytest.mark.fault("exits with another status"),
        ),
        pytest.param(
            "os._exit(0)", 195, "left no outcome", marks=pytest.mark.fault("exits 0 without a result")
        ),
        pytest.param("os.abort()", 195, "signal 6 (SIGABRT)", marks=pytest.mark.fault("dies of a signal")),
        pytest.param(
            "os.kill(os.getpid(), 11)", 195, "compiled code", marks=pytest.mark.fault("dies of a signal")
        ),
        pytest.param("raise MemoryError()", 205, "memory", marks=pytest.mark.fault("is killed for memory")),
    ],
)
def test_what_depends_on_the_computer_is_an_error_exit_that_explains_itself(
    jobs: Jobs, body: str, code: int, words: str
) -> None:
    job = jobs(f"import os\ndef task():\n    {body}\n")
    assert job.run() == code
    assert not job.succeeded()
    assert words in job.stderr()
    assert words in job.outcome().message or words == "memory"


def test_what_cannot_be_loaded_here_is_an_error_exit_that_names_it(jobs: Jobs) -> None:
    job = jobs("import no_such_module_anywhere\ndef task():\n    pass\n")
    assert job.run() == 206
    assert not job.succeeded()
    assert "no_such_module_anywhere" in job.stderr()
    assert "no_such_module_anywhere" in job.outcome().message


def test_the_end_of_the_tasks_stderr_goes_to_stderr_txt_when_it_dies(jobs: Jobs) -> None:
    job = jobs(
        "import os, sys\ndef task():\n"
        "    sys.stderr.write('x' * 200000 + 'last words')\n    sys.stderr.flush()\n"
        "    os._exit(1)\n"
    )
    assert job.run() == 195
    assert "last words" in job.stderr()
    assert len(job.stderr()) < 63 * 1024


@pytest.mark.fault("returns more than is allowed")
def test_a_result_larger_than_allowed_becomes_unreturnable(jobs: Jobs) -> None:
    job = jobs("def task():\n    return 'x' * 5000\n")
    assert job.run("--max-result", "2000") == 0
    found = job.outcome()
    assert found.status == "unreturnable" and "at most 2000" in found.message


@pytest.mark.fault("prints 100 MB")
def test_a_hundred_megabytes_of_output_leave_the_last_and_say_how_much_was_cut(jobs: Jobs) -> None:
    job = jobs(
        "import sys\ndef task():\n"
        "    for _ in range(100):\n"
        "        sys.stdout.write('x' * 1000000)\n"
        "    sys.stdout.write('the end')\n"
    )
    assert job.run() == 0
    log = job.log()
    assert len(log.stdout) == 1 << 20 and log.stdout.endswith(b"xthe end")
    assert int(log.facts["stdout-cut"]) == 100000007 - (1 << 20)
    assert log.facts["stderr-cut"] == "0"


@pytest.mark.fault("closes all file descriptors")
def test_a_task_that_closes_all_its_files_still_returns(jobs: Jobs) -> None:
    job = jobs("import os\ndef task():\n    os.closerange(0, 256)\n    return 3\n")
    assert job.run() == 0
    assert job.value() == 3


@pytest.mark.fault("the disk is full while the result is written")
def test_a_full_disk_postpones_and_the_next_start_only_delivers(jobs: Jobs) -> None:
    job = jobs("def task():\n    open('../ran', 'a').write('1\\n')\n    return 'x' * 600000\n")
    script = (
        'mount -t tmpfs -o size=400k none "$1" && cp "$1.kept"/* "$1"/ && shift && "$@"; first=$?\n'
        'cat boinc_temporary_exit; rm boinc_temporary_exit; mount -o remount,size=8m "$PROJECT" && "$@"\n'
        'echo codes $first $?; cp "$PROJECT"/pymw_result "$PROJECT.kept"/\n'
    )
    kept = Path(f"{job.project}.kept")
    job.project.rename(kept)
    job.project.mkdir()
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(job.project)]
    command += [sys.executable, "-E", "-c", BOOT, str(Path(__file__).parents[2] / "worker")]
    done = subprocess.run(
        command,
        cwd=job.slot,
        env=dict(os.environ, PROJECT=str(job.project)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unshare failed" in done.stderr and os.environ.get("CI") != "true":
        pytest.skip("this system has no user namespaces: " + done.stderr)
    lines = done.stdout.splitlines()
    assert lines[0] == "300" and "No space left on device" in lines[1], done
    assert lines[-1] == "codes 0 0", done
    assert (job.slot / "ran").read_text() == "1\n", "the task must not run again"
    assert job.succeeded()
    kept.joinpath("pymw_result").rename(job.path("pymw_result"))
    assert job.value() == "x" * 600000


@pytest.mark.fault("quit while the result is written")
def test_what_a_killed_worker_has_half_written_is_swept_and_other_jobs_files_are_not(jobs: Jobs) -> None:
    job = jobs(RETURN)
    mine = job.project / f"pymw_result.12-34{durable.TEMPORARY}"
    another = job.project / f"other_result.12-34{durable.TEMPORARY}"
    mine.touch()
    another.touch()
    assert job.run() == 0
    assert not mine.exists()
    assert another.exists()


def test_words_that_stderr_cannot_hold_are_escaped(jobs: Jobs) -> None:
    job = jobs("# coding: utf-8\ndef task():\n    raise ValueError('h\u00f6he')\n")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
            patch.setenv(name, value)
        assert job.run() == 0
    assert "ValueError: h" in job.stderr()
    assert job.outcome().message == "h\u00f6he"
