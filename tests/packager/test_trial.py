"""A trial runs a real BOINC client. The application is a script, so that these tests need no other room."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymw_packager.client_folder import PROJECT_FOLDER, Job
from pymw_packager.errors import FormatError, UsageError
from pymw_packager.names import VERSION_XML
from pymw_packager.trial import Trial, TrialError
from pymw_packager.version_xml import VersionXml

# Sums its input, one number a second, and speaks just enough of BOINC's protocol: no part of PyMW.
APPLICATION = """#!/usr/bin/python3
import mmap, os, sys, time

def resolve(name):
    return open(name).readline().split(">")[1].split("<")[0]

def hear():
    if channels[0]:
        word = channels[1:1024].split(b"\\0")[0]
        channels[0] = 0
        return word
    return b""

def tell(done, checkpoint):
    text = b"<current_cpu_time>1</current_cpu_time><checkpoint_cpu_time>%d</checkpoint_cpu_time>" % checkpoint
    text += b"<fraction_done>%f</fraction_done>" % done
    if not channels[5120]:
        channels[5121:5122 + len(text)] = text + b"\\0"
        channels[5120] = 1

if sys.argv[1:] == ["--fail"]:
    sys.exit("it <failed> & said why")
with open("boinc_mmap_file", "r+b") as file:
    channels = mmap.mmap(file.fileno(), 8192)
numbers = [int(word) for word in open(resolve("numbers")).read().split()]
start = int(open("state").read()) if os.path.exists("state") else 0
sys.stderr.write("starting at %d\\n" % start)
for i in range(start, len(numbers)):
    until = time.time() + 1
    while time.time() < until:
        word = hear()
        if b"quit" in word: sys.exit(0)
        if b"abort" in word: sys.exit(194)
        if b"suspend" in word:
            while b"resume" not in hear(): time.sleep(0.1)
        time.sleep(0.1)
    if "--checkpoint" in sys.argv:
        open("state", "w").write(str(i + 1))
    tell((i + 1) / len(numbers), i + 1 if "--checkpoint" in sys.argv else 0)
open(resolve("total"), "w").write(str(sum(numbers)))
open("boinc_finish_called", "w").write("0\\n")
"""


def platform() -> str:
    """The platform of this machine's client, as it says itself."""
    return subprocess.run(["boinc", "--version"], capture_output=True, text=True, check=True).stdout.split()[
        1
    ]


@pytest.fixture
def app_version(boinc_client: None, tmp_path: Path) -> Path:
    folder = tmp_path / "pymw" / "1.04" / platform()
    folder.mkdir(parents=True)
    (folder / "app").write_text(APPLICATION)
    (folder / "version.xml").write_text(VersionXml("app", ()).text())
    return folder


def job(count: int = 2, command_line: str = "") -> Job:
    numbers = " ".join(str(i) for i in range(count))
    return Job({"numbers": numbers.encode()}, ("total", "unwritten"), command_line)


def trial_of(app_version: Path, tmp_path: Path, work: Job) -> Trial:
    return Trial(tmp_path / "client", app_version, work)


def test_the_client_runs_the_task_and_keeps_its_output(app_version: Path, tmp_path: Path) -> None:
    work = Job({"numbers": b"20 22"}, ("total",))
    with trial_of(app_version, tmp_path, work) as trial:
        ended = trial.wait(30)
    assert ended.succeeded
    assert ended.outputs["total"].read_text() == "42"
    assert "starting at 0" in ended.stderr
    assert 1 < ended.elapsed_seconds < 15


def test_progress_is_seen_on_the_way(app_version: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    with trial_of(app_version, tmp_path, Job({"numbers": b"1 2 3 4"}, ("total",))) as trial:
        trial.wait(30, lambda status: seen.append(status.fraction_done))
    assert seen == sorted(seen)
    assert {0.25, 0.5} < set(seen)


def test_a_failing_application_comes_back_with_its_exit_status_and_reason(
    app_version: Path, tmp_path: Path
) -> None:
    with trial_of(app_version, tmp_path, job(command_line="--fail")) as trial:
        ended = trial.wait(30)
    assert not ended.succeeded
    assert (ended.state, ended.exit_status) == ("compute error", 1)
    assert "it <failed> & said why" in ended.stderr


def test_an_output_that_is_missing_is_a_failure(app_version: Path, tmp_path: Path) -> None:
    with trial_of(app_version, tmp_path, job(1)) as trial:
        ended = trial.wait(30)
    assert not ended.succeeded
    assert "unwritten" not in ended.outputs


def test_a_suspended_task_makes_no_progress_and_a_resumed_one_ends(app_version: Path, tmp_path: Path) -> None:
    with trial_of(app_version, tmp_path, Job({"numbers": b"1 2 3 4"}, ("total",))) as trial:
        trial.wait_for(lambda: trial.status().fraction_done > 0, 20, "report progress")
        trial.suspend()
        trial.wait_for(lambda: trial.status().activity == "SUSPENDED", 10, "suspend the task")
        time.sleep(1.2)  # what was on its way arrives: the client asks once a second
        before = trial.status().fraction_done
        time.sleep(3)
        assert trial.status().fraction_done == before < 1
        trial.resume()
        assert trial.wait(30).succeeded


def test_an_aborted_task_ends_as_aborted(app_version: Path, tmp_path: Path) -> None:
    with trial_of(app_version, tmp_path, job(100)) as trial:
        trial.wait_for(lambda: trial.status().activity == "EXECUTING", 20, "start the task")
        trial.abort()
        ended = trial.wait(30)
    assert (ended.state, ended.exit_status) == ("aborted", 203)


def test_a_task_goes_on_where_it_was_when_the_client_starts_again(app_version: Path, tmp_path: Path) -> None:
    work = Job({"numbers": b"1 2 3 4"}, ("total",), "--checkpoint")
    with trial_of(app_version, tmp_path, work) as trial:
        trial.wait_for(lambda: trial.status().checkpoint_cpu_seconds > 0, 20, "see a checkpoint")
        trial.stop()
        trial.start()
        ended = trial.wait(30)
    assert ended.succeeded
    assert ended.outputs["total"].read_text() == "10"
    starts = [line for line in ended.stderr.splitlines() if line.startswith("starting at")]
    assert starts[0] == "starting at 0"
    assert starts[1:] != [] and "starting at 0" not in starts[1:]


def test_nothing_runs_after_the_trial(app_version: Path, tmp_path: Path) -> None:
    with trial_of(app_version, tmp_path, job(100)) as trial:
        trial.wait_for(lambda: trial.status().pid is not None, 20, "start the task")
        pid = trial.status().pid
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()
    assert running_in(tmp_path) == []


def test_the_client_dies_with_a_trial_that_is_killed(app_version: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from pymw_packager.names import VERSION_XML
from pymw_packager.trial import Job, Trial
with Trial(Path({str(tmp_path / "client")!r}), Path({str(app_version)!r}), Job({{}}, ())):
    print("on", flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "on\n"
        assert running_in(tmp_path, "boinc")
        os.kill(other.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while running_in(tmp_path):
        assert time.monotonic() < deadline, running_in(tmp_path)
        time.sleep(0.1)


def running_in(folder: Path, program: str = "") -> list[int]:
    """The processes of this name (or any) whose current folder is this one or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inside = (process / "cwd").readlink().is_relative_to(folder)
            if inside and program in ("", (process / "comm").read_text().strip()):
                found.append(int(process.name))
        except OSError:
            continue  # it has just ended, or is another user's
    return found


def test_a_task_that_takes_too_long_is_an_error_that_quotes_the_log(
    app_version: Path, tmp_path: Path
) -> None:
    with (
        trial_of(app_version, tmp_path, job(100)) as trial,
        pytest.raises(TrialError, match=r"(?s)did not finish the task within 1 s.*\n.*Starting task"),
    ):
        trial.wait(1)


def test_a_client_that_is_killed_is_an_error_that_says_so(app_version: Path, tmp_path: Path) -> None:
    with trial_of(app_version, tmp_path, job(100)) as trial:
        for process in running_in(tmp_path, "boinc"):
            os.kill(process, signal.SIGKILL)
        with pytest.raises(TrialError, match=r"(?s)client (ended before|does not have).*client\.log"):
            trial.wait(20)


def test_a_file_that_version_xml_names_must_be_there(app_version: Path, tmp_path: Path) -> None:
    (app_version / VERSION_XML).write_text(VersionXml("app", ("payload",)).text())
    with pytest.raises(FormatError, match=r"lacks payload, which its version\.xml names"):
        Trial(tmp_path / "client", app_version, job())


def test_a_folder_that_is_no_app_version_s_is_named(app_version: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must end in VERSION/PLATFORM"):
        Trial(tmp_path / "client", app_version.rename(tmp_path / "app"), job())


def test_the_client_asks_for_a_password(app_version: Path, tmp_path: Path) -> None:
    trial_of(app_version, tmp_path, job())
    password = tmp_path / "client" / "gui_rpc_auth.cfg"
    assert password.stat().st_mode & 0o077 == 0
    assert len(password.read_text()) == 32
    assert (tmp_path / "client" / PROJECT_FOLDER / "app").stat().st_mode & 0o111
