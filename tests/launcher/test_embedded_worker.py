"""The real worker in a runtime that the launcher has unpacked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw_packager import worker_archive

from tests.launcher.application import Application
from tests.launcher.embedded import VERSION, is_whole
from tests.worker.job import Job

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


# What tells one process from another, as far as it must be the same however the task was started.
SURROUNDINGS = """
import optparse, os, random, resource, signal, subprocess, sys, time
def task():
    seen = {
        "module": optparse.__file__.split("/")[-2:],
        "order": list(set("some words in an order".split())),
        "flags": (sys.flags.hash_randomization, sys.flags.ignore_environment, sys.flags.optimize),
        "variables": sorted(n for n in os.environ if n.startswith(("PYTHON", "PYMW"))),
        "encoding": (sys.stdout.encoding, sys.stdout.errors, sys.stdin.read()),
        "words": (sys.argv[0].split("/")[-1], sys.path[1].split("/")[-1], sorted(os.listdir("."))),
        "main": (sys.modules["__main__"].__name__, "task" in vars(sys.modules["__main__"])),
        "signals": [repr(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "files": sorted(os.listdir("/proc/self/fd"))[:3],
        "memory": "boinc_mmap_file" in open("/proc/self/maps").read(),
        "limits": resource.getrlimit(resource.RLIMIT_CORE),
        "session": os.getsid(0) == os.getpid(),
    }
    # An orphan that has left the session must not outlive the task.
    code = "import os, time\\nos.fork() and os._exit(0)\\nos.setsid()\\n"
    code += "open('orphan', 'w').write(str(os.getpid()))\\ntime.sleep(60)"
    subprocess.check_call([sys.executable, "-c", code])
    while not os.path.exists("orphan") or not open("orphan").read():
        time.sleep(0.01)
    is_fork = "pymw_worker.embedded" in open("/proc/self/cmdline").read()
    return seen, int(open("orphan").read()), random.random(), is_fork
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


def test_a_task_that_is_a_fork_of_the_worker_finds_what_it_would_in_a_process_of_its_own(
    embedded: Application, jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    jobs += [Job(tmp_path, SURROUNDINGS), EmbeddedJob(embedded, SURROUNDINGS)]
    found, drawn = [], []
    for job in jobs:
        # The worker has imported the module of this name for itself.
        (job.slot / "own.py").write_text("")
        assert job.run("--data", "optparse.py=own.py") == 0, job.stderr()
        surroundings, orphan, number, is_fork = job.value()
        assert is_fork == isinstance(job, EmbeddedJob)
        assert not Path(f"/proc/{orphan}").exists()
        found.append(surroundings)
        drawn.append(number)
    assert found[0] == found[1]
    assert found[0]["module"] == ["pymw_task", "optparse.py"]
    assert drawn[0] != drawn[1]


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
