"""One job for the worker in a folder of a test: a function given as source, and the worker's process."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pymw_worker import arguments, bundle, environment, log, outcome

from tests.bench.fake_client import FakeClient, wait_for

ROOT = Path(__file__).parents[2]
BOOT = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.__main__ as m;m.main()"
# In a Python that the launcher has unpacked, where on Unix the task's process is a fork of the worker.
EMBEDDED = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.embedded as m;m.main()"


# Tasks say what they do in the slot folder, which they find as the parent of their own.
COUNT = """
import os, time
def task(seconds=60):
    out = open("../count", "a")
    end = time.time() + seconds
    number = 0
    while time.time() < end:
        number += 1
        out.write("%d\\n" % number)
        out.flush()
        time.sleep(0.01)
    return number
"""
RETURN = "def task(*args):\n    return args\n"


class Job:
    """A slot folder, and a project folder that holds the job's files; soft links lead there.

    source: Python source that defines the function `task`. client: whether a client starts the worker. forks:
    whether the worker is started as in a Python that the launcher has unpacked.
    """

    def __init__(
        self,
        folder: Path,
        source: str,
        *args: object,
        client: bool = True,
        fields: Mapping[str, object] | None = None,
        memory: bool = True,
        python: str = sys.executable,
        forks: bool = False,
    ) -> None:
        self.slot = folder / "slots" / "0"
        self.project = folder / "projects" / "a test"
        self.slot.mkdir(parents=True)
        self.project.mkdir(parents=True)
        self.python = python
        self.forks = forks
        self.process: subprocess.Popen[bytes] | None = None
        self.last_report = ""
        self.client = FakeClient(str(self.slot), fields or {}, memory) if client else None
        self._put("pymw_bundle", bundle.pack("source", "task", "2.5-", source.encode()))
        digest = bundle.read(str(self.path("pymw_bundle"))).digest
        self._put("pymw_arguments", arguments.pack(digest, "test", pickle.dumps((args, {}), 2)))
        if self.client:
            for name in ("pymw_bundle", "pymw_arguments", "pymw_result", "pymw_log"):
                self.client.link(name, str(self.path(name)))

    def path(self, name: str) -> Path:
        """Where a workunit's file is."""
        return (self.project if self.client else self.slot) / name

    def start(self, *options: str, boot: str = BOOT) -> subprocess.Popen[bytes]:
        """Start the worker."""
        command = [self.python, "-E", "-c", boot, str(ROOT / "worker"), *options]
        if self.forks:
            # A launcher that is asked whether the runtime is whole, and says so.
            runtime = [str(self.project / ".pymw_doubt"), "/bin/true"]
            variables = environment.common_variables(os.environ, False).items()
            command = ["/usr/bin/env", "-i", *[f"{name}={value}" for name, value in variables]]
            command += [self.python, "-c", EMBEDDED, str(ROOT / "worker"), *runtime, *options]
        if self.client:
            self.process = self.client.start(command)
        else:
            with (self.slot / "stderr.txt").open("ab") as stderr:
                self.process = subprocess.Popen(command, cwd=self.slot, stderr=stderr)
        return self.process

    def wait(self, seconds: float = 60) -> int:
        """Wait until the worker has ended, beating and reading like a client does; return its exit status."""
        process = self.process
        assert process is not None

        def ended() -> bool:
            gone = process.poll() is not None
            if self.client:
                self.client.heartbeat()
                self.last_report = self.client.receive() or self.last_report
            return gone

        try:
            wait_for(ended, seconds, "the worker to end")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.stderr()}") from None
        return process.returncode

    def run(self, *options: str) -> int:
        """Start the worker, wait until it has ended, and return its exit status."""
        self.start(*options)
        return self.wait()

    def until(self, name: str, seconds: float = 30) -> str:
        """Wait until the task has written a line to a file in the slot; return the last whole line."""
        path = self.slot / name

        def written() -> bool:
            return path.exists() and path.read_bytes().endswith(b"\n")

        try:
            wait_for(written, seconds, name)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.stderr()}") from None
        return path.read_text().splitlines()[-1]

    def outcome(self) -> outcome.Outcome:
        """What the result file says."""
        found: outcome.Outcome = outcome.read(str(self.path("pymw_result")))
        return found

    def value(self) -> Any:
        """What the function returned."""
        found = self.outcome()
        assert found.status == "value", (found.status, found.message)
        return pickle.loads(found.value_bytes)

    def log(self) -> log.Log:
        """What the log file says."""
        found: log.Log = log.read(str(self.path("pymw_log")))
        return found

    def stderr(self) -> str:
        """What the worker has written to stderr."""
        path = self.slot / "stderr.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def succeeded(self) -> bool:
        """Whether the client takes the job for done."""
        return (self.slot / "boinc_finish_called").exists()

    def close(self) -> None:
        """End the worker if it still runs."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.client:
            self.client.close()

    def _put(self, name: str, data: bytes) -> None:
        self.path(name).write_bytes(data)


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 : stat.rindex(b")") + 3] not in (b"Z", b"X")


def processes_in(slot: Path) -> list[int]:
    """All living processes that work in this slot, or in whose variables or command line its path stands.

    A fork has the variables and the command line of the worker.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and alive(int(entry.name)):
            try:
                text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                text += os.fsencode((entry / "cwd").readlink())
            except OSError:
                continue
            if os.fsencode(slot) in text:
                found.append(int(entry.name))
    return found


def tasks_in(slot: Path) -> list[int]:
    """The task's process: the leader of a session that works in the task's folder."""
    home = slot / "pymw_task"
    return [
        pid
        for pid in processes_in(home)
        if Path(f"/proc/{pid}/cwd").readlink() == home and os.getsid(pid) == pid
    ]


def count(job: Job) -> int:
    """The last number that COUNT has written."""
    return int(job.until("count"))


Jobs = Callable[..., Job]
