"""The real worker in a runtime that the launcher has unpacked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw_packager import worker_archive

from tests.launcher.application import Application
from tests.launcher.embedded import VERSION, is_whole
from tests.worker.job import Job
from tests.worker.test_forking import PROBE

# Does something to its runtime the first time.
TASK = """
import os, shutil
def task(runtime, what):
    path = runtime + "/lib/007"
    if not os.path.exists("../again"):
        open("../again", "w").close()
        if what == "flipped":
            found, data = os.stat(path), bytearray(open(path, "rb").read())
            data[1000] ^= 4
            open(path, "wb").write(bytes(data))
            os.utime(path, (found.st_atime, found.st_mtime))
        elif what == "deleted":
            shutil.rmtree(runtime)
        raise ImportError("something is wrong with this Python")
    return "well"
"""
DESCRIPTORS = """
import os
def task():
    open_files = []
    for process in (os.getpid(), os.getppid()):
        folder = "/proc/%d/fd/" % process
        open_files.append([os.path.realpath(folder + name) for name in os.listdir(folder)])
    return open_files
"""


# Tells whether it is a fork, and what a fork could have of the worker's that it must not have.
FORK = """
import optparse, os, subprocess, sys, time
def task():
    # An orphan that has left the session must not outlive the task.
    code = "import os, time\\nos.fork() and os._exit(0)\\nos.setsid()\\n"
    code += "open('orphan', 'w').write(str(os.getpid()))\\ntime.sleep(60)"
    subprocess.check_call([sys.executable, "-c", code])
    while not os.path.exists("orphan") or not open("orphan").read():
        time.sleep(0.01)
    is_fork = "pymw_worker.embedded" in open("/proc/self/cmdline").read()
    shared = "boinc_mmap_file" in open("/proc/self/maps").read()
    return is_fork, optparse.__file__.split("/")[-2], int(open("orphan").read()), shared
"""


class EmbeddedJob(Job):
    """A job whose worker the launcher starts, in the Python of the payload."""

    def __init__(self, application: Application, source: str, *args: object) -> None:
        super().__init__(application.root / "job", source, *args)
        (application.project / "worker.zip").write_bytes(worker_archive.build()[1])
        self.launcher = str(application.project / application.launcher)

    def run(self, *options: str) -> int:
        """Start the launcher, wait until the worker has ended, and return its exit status."""
        assert self.client
        self.process = self.client.start([self.launcher, "--python", VERSION, *options])
        return self.wait()


@pytest.fixture
def jobs(embedded: Application) -> Iterator[list[Job]]:
    """What is put in here is closed at the end."""
    made: list[Job] = []
    yield made
    for job in made:
        job.close()


@pytest.mark.fault("one bit of an unpacked runtime flipped")
@pytest.mark.parametrize(
    "what",
    ["flipped", pytest.param("deleted", marks=pytest.mark.fault("the runtime is deleted while in use"))],
)
def test_a_task_that_fails_in_a_damaged_runtime_is_run_again_in_a_whole_one(
    embedded: Application, jobs: list[Job], what: str
) -> None:
    job = EmbeddedJob(embedded, TASK, str(embedded.runtime()), what)
    jobs.append(job)
    assert job.run() == 0
    postponed = job.slot / "boinc_temporary_exit"
    assert "the Python that it ran in has been damaged" in postponed.read_text(), job.stderr()
    assert not job.path("pymw_result").exists() and not job.succeeded()
    postponed.unlink()
    assert job.run() == 0, job.stderr()
    assert job.value() == "well"
    assert job.succeeded() and is_whole(embedded.runtime())


def test_a_task_that_fails_in_a_whole_runtime_has_failed(embedded: Application, jobs: list[Job]) -> None:
    job = EmbeddedJob(embedded, TASK, str(embedded.runtime()), "nothing")
    jobs.append(job)
    assert job.run() == 0, job.stderr()
    assert (job.outcome().status, job.succeeded()) == ("exception", True)
    assert "verified the runtime" in job.stderr()


def test_a_task_in_a_runtime_sees_what_one_in_a_process_of_its_own_sees(
    embedded: Application, jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    jobs += [Job(tmp_path, PROBE), EmbeddedJob(embedded, PROBE)]
    found = []
    for job in jobs:
        assert job.run() == 0, job.stderr()
        found.append(json.loads(job.value()))
        found[-1]["path"].pop(0)  # the worker
        for name in ("PWD", "OLDPWD"):  # this payload's Python is a script, whose shell sets them
            found[-1]["variables"].pop(name, None)
    assert found[0] == found[1]


def test_a_task_in_a_runtime_is_a_fork_and_has_nothing_of_the_worker_s(
    embedded: Application, jobs: list[Job]
) -> None:
    job = EmbeddedJob(embedded, FORK)
    jobs.append(job)
    # The worker has imported the module of this name for itself.
    (job.slot / "own.py").write_text("")
    assert job.run("--data", "optparse.py=own.py") == 0, job.stderr()
    is_fork, place_of_module, orphan, shared = job.value()
    assert (is_fork, place_of_module, shared) == (True, "pymw_task", False)
    assert not Path(f"/proc/{orphan}").exists()


@pytest.mark.fault("old runtimes are removed")
def test_the_worker_keeps_the_runtime_and_the_task_has_no_part_in_it(
    embedded: Application, jobs: list[Job]
) -> None:
    job = EmbeddedJob(embedded, DESCRIPTORS)
    jobs.append(job)
    assert job.run() == 0, job.stderr()
    of_task, of_worker = job.value()
    assert str(embedded.runtime()) in of_worker
    assert str(embedded.runtime()) not in of_task
    assert not (embedded.runtime() / ".pymw_doubt").exists()
