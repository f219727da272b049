"""Where a volunteer's client, clock and environment are not as one expects."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.chroot import as_root, can_be_root
from tests.bench.require import require
from tests.worker.job import BOOT, COUNT, RETURN, Job, Jobs, count, processes_in

JUMPING = """
import sys, time
sys.path[0] = sys.argv.pop(1)
true, calls = time.time, []
def jumping():
    calls.append(1)
    return true() + (86400.0, -86400.0, 0.0, 1e9)[len(calls) % 4]
time.time = jumping
import pymw_worker.__main__ as m
m.main()
"""


@pytest.mark.fault("the clock jumps")
def test_a_clock_that_jumps_by_days_disturbs_neither_reports_nor_the_time_used(jobs: Jobs) -> None:
    job = jobs(COUNT, 2.2)
    job.start(boot=JUMPING)
    count(job)
    assert job.client
    for _ in range(2):
        job.client.status(5)
    assert job.client.send("<suspend/>") < 1
    assert job.client.send("<resume/>") < 1
    assert job.wait(30) == 0
    assert job.value() > 0
    assert 0 < float(job.log().facts["elapsed"]) < 30


@pytest.mark.fault("paths of more than 260 characters")
def test_paths_of_more_than_260_characters(tmp_path: Path) -> None:
    job = Job(tmp_path / ("x" * 100) / ("y" * 100) / ("z" * 100), RETURN, 5)
    try:
        assert len(str(job.slot)) > 300
        assert job.run() == 0, job.stderr()
        assert job.value() == (5,)
        assert job.succeeded()
    finally:
        job.close()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("R&D <b>", marks=pytest.mark.fault("& in a path in init_data.xml")),
        pytest.param("Ödön 日本", marks=pytest.mark.fault("letters that are not ASCII in paths")),
        pytest.param("\udcfe\udcff", marks=pytest.mark.fault("init_data.xml is not UTF-8")),
        pytest.param("a  b", marks=pytest.mark.fault("spaces in paths")),
        "100%",
        'it\'s "so"',
    ],
)
def test_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    job = Job(tmp_path / name, RETURN, 5)
    try:
        assert job.run() == 0, job.stderr()
        assert job.value() == (5,)
        assert job.succeeded()
    finally:
        job.close()


@pytest.mark.fault("PYTHONHOME set by the volunteer", "PYTHONPATH set by the volunteer")
def test_python_s_variables_of_the_volunteer_reach_neither_worker_nor_task(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(99)\n")
    for name, value in (
        ("PYTHONHOME", "/nowhere"),
        ("PYTHONPATH", str(tmp_path)),
        ("PYTHONSTARTUP", "/nowhere"),
        ("PYTHONOPTIMIZE", "2"),
        ("PYTHONUNBUFFERED", "x"),
    ):
        monkeypatch.setenv(name, value)
    job = jobs("import json, sys\ndef task():\n    assert 1\n    return sys.flags.optimize\n")
    assert job.run() == 0, job.stderr()
    assert job.value() == 0


@pytest.mark.fault("a stale temporary-exit file")
def test_a_stale_temporary_exit_file_does_not_make_a_success_a_postponement(jobs: Jobs) -> None:
    """On Unix a client looks for that file first, whatever the exit code."""
    job = jobs(RETURN, 5)
    # The client played here deletes the file, as the real one does.
    job.start(boot=f"open('boinc_temporary_exit', 'w').write('600\\nan earlier run\\n');{BOOT}")
    assert job.wait() == 0
    assert job.succeeded()
    assert not (job.slot / "boinc_temporary_exit").exists()


# In a space of process ids of its own, where we can say which id is given next: the client starts a worker
# and dies, and a stranger gets the client's id.
STRANGER = """
import os, subprocess, sys, time
marker, command = sys.argv[1], sys.argv[2:]
client = subprocess.Popen([sys.executable, "-c", '''
import os, subprocess, sys, time
path = "init_data.xml"
text = open(path).read().replace("<client_pid>%d<" % 0, "<client_pid>%d<" % os.getpid())
open(path, "w").write(text)
worker = subprocess.Popen(sys.argv[1:])
while not os.path.exists("count"): time.sleep(0.01)
open("worker", "w").write(str(worker.pid))
''', *command])
client.wait()
worker = int(open("worker").read())
open("/proc/sys/kernel/ns_last_pid", "w").write(str(client.pid - 1))
stranger = subprocess.Popen(["sleep", "60"])
assert stranger.pid == client.pid, "the id was not given again"
end = time.monotonic() + 30
while os.path.exists("/proc/%d/cmdline" % worker) and open("/proc/%d/cmdline" % worker).read():
    assert time.monotonic() < end, "the worker has taken the stranger for its client"
    time.sleep(0.05)
os.kill(stranger.pid, 0)
stranger.kill()
stranger.wait()
"""


@pytest.mark.fault("the client's process id belongs to somebody else")
def test_a_stranger_with_the_client_s_process_id_is_not_taken_for_the_client(jobs: Jobs) -> None:
    require(
        can_be_root() and shutil.which("unshare"), "root, or a sudo that asks for no password, and unshare"
    )
    job = jobs(COUNT, fields={"client_pid": 0})
    boot = (
        "import sys\nsys.path[0]=sys.argv.pop(1)\nfrom pymw_worker.boinc import client\n"
        "client.ALIVE_CHECK_PERIOD = 0.5\nimport pymw_worker.__main__ as m\nm.main()\n"
    )
    worker = [sys.executable, "-E", "-c", boot, str(Path(__file__).parents[2] / "worker")]
    space = [*as_root(), "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    done = subprocess.run(
        [*space, sys.executable, "-c", STRANGER, str(job.slot), *worker],
        cwd=job.slot,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr + job.stderr()
    assert not job.succeeded()
    assert not processes_in(job.slot)
