"""The 32-bit package where there is no Python, no C library, no shell; only what the package brings."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymw_packager import version_xml

from tests.bench.chroot import Chroot
from tests.bench.fake_client import FakeClient, wait_for
from tests.bench.packages import Packages, job_of, log_facts, value_in
from tests.client import jobs


class Slot:
    """A client's folders in the empty root: one project with the package, one slot with one job."""

    def __init__(self, root: Chroot, app_version: Path, function: object, *args: object) -> None:
        assert callable(function)
        self.root = root
        self.project = root.path / "tmp" / "projects" / "test"
        self.path = root.path / "tmp" / "slots" / "0"
        self.project.mkdir(parents=True)
        version = version_xml.read(app_version / "version.xml")
        for name in version.files:
            (self.project / name).write_bytes((app_version / name).read_bytes())
        self.launcher = self.project / version.main_program
        self.launcher.chmod(0o755)
        # The client is in another process id space. Process 1 in this one is the shell that holds the leash.
        fields = {"client_pid": 1, "project_dir": root.inside(self.project)}
        self.client = FakeClient(str(self.path), fields)
        self.job = job_of(function, *args)
        for name, data in self.job.inputs.items():
            (self.project / name).write_bytes(data)
            self.client.link(name, str(self.project / name))
        for name in self.job.outputs:
            self.client.link(name, str(self.project / name))

    @contextmanager
    def started(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Start the launcher as a client does; it ends with this block."""
        self.client.memory[:8192] = bytes(8192)
        launcher = [self.root.inside(self.launcher), *self.job.command_line.split()]
        command = [*self.root.prefix(self.path), *launcher]
        with (self.path / "stderr.txt").open("ab") as stderr:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr
            )
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(20)

    def finish(self, process: "subprocess.Popen[bytes]") -> int:
        """Read the reports, as a client does, until the process has ended; return its exit status."""

        def over() -> bool:
            self.client.heartbeat()
            self.client.receive()
            return process.poll() is not None

        wait_for(over, 90, "the task to end:\n" + self.client.read("stderr.txt"))
        return int(process.returncode)


@pytest.fixture
def app_version(empty_chroot: Chroot, packages: Packages) -> Path:
    return packages.get("i686-pc-linux-gnu")


@pytest.mark.fault("no Python on the machine")
def test_the_payload_alone_computes_the_value(empty_chroot: Chroot, app_version: Path) -> None:
    slot = Slot(empty_chroot, app_version, jobs.total, [20, 22])
    with slot.started() as process:
        assert slot.finish(process) == 0, slot.client.read("stderr.txt")
    assert slot.client.read("boinc_finish_called").startswith("0")
    assert value_in(slot.project / "pymw_result") == 42
    facts = log_facts(slot.project / "pymw_log")
    assert facts["python"].startswith("3.")
    runtimes = [path.name for path in slot.project.glob("pymw_runtime_*") if path.is_dir()]
    assert len(runtimes) == 1, "unpacked in the project folder, once, nothing left beside it"
    slot.client.close()


@pytest.mark.fault("suspended and resumed", "aborted")
def test_suspend_resume_and_abort_reach_the_task(empty_chroot: Chroot, app_version: Path) -> None:
    slot = Slot(empty_chroot, app_version, jobs.count, 1000, 0.05)
    with slot.started() as process:
        client = slot.client
        wait_for(lambda: "<fraction_done>" in client.receive(), 60, "a report")
        wait_for(lambda: client.status()["fraction_done"] > 0, 30, "progress")
        assert client.send("<suspend/>") < 1
        client.receive()
        with pytest.raises(AssertionError, match="in vain for a report"):
            client.status(seconds=3)
        assert client.send("<resume/>") < 1
        assert client.status()["fraction_done"] > 0
        client.send("<abort/>")
        assert slot.finish(process) == 194
    assert client.read("boinc_finish_called") == ""
    client.close()


@pytest.mark.fault("suspended while the runtime is unpacked")
def test_suspend_while_the_runtime_is_unpacked_is_obeyed_as_soon_as_it_is(
    empty_chroot: Chroot, app_version: Path
) -> None:
    slot = Slot(empty_chroot, app_version, jobs.count, 10, 0.05)
    with slot.started() as process:
        client = slot.client
        wait_for(lambda: bool(list(slot.project.glob("*.tmp"))), 30, "the runtime to be unpacked")
        assert client.send("<suspend/>", seconds=60) < 60, "a client kills after 180 s"
        time.sleep(1)
        client.receive()
        with pytest.raises(AssertionError, match="in vain for a report"):
            client.status(seconds=2)
        client.send("<resume/>")
        assert slot.finish(process) == 0, client.read("stderr.txt")
    assert value_in(slot.project / "pymw_result") == sum(range(10))
    client.close()


@pytest.mark.fault("quit while the runtime is unpacked")
def test_quit_while_the_runtime_is_unpacked_keeps_the_runtime_for_the_next_start(
    empty_chroot: Chroot, app_version: Path
) -> None:
    slot = Slot(empty_chroot, app_version, jobs.total, [20, 22])
    with slot.started() as process:
        wait_for(lambda: bool(list(slot.project.glob("*.tmp"))), 30, "the runtime to be unpacked")
        assert slot.client.send("<quit/>", seconds=60) < 60, "a client kills after 60 s"
        assert slot.finish(process) == 0
    assert slot.client.read("boinc_finish_called") == ""
    (runtime,) = [path for path in slot.project.glob("pymw_runtime_*") if path.is_dir()]
    unpacked = (runtime / ".pymw_complete").stat().st_mtime_ns
    with slot.started() as process:
        assert slot.finish(process) == 0, slot.client.read("stderr.txt")
    assert (runtime / ".pymw_complete").stat().st_mtime_ns == unpacked
    assert value_in(slot.project / "pymw_result") == 42
    slot.client.close()


@pytest.mark.fault("the runtime is deleted while in use")
def test_a_task_whose_runtime_is_deleted_ends_and_the_next_one_unpacks_it_again(
    empty_chroot: Chroot, app_version: Path
) -> None:
    slot = Slot(empty_chroot, app_version, jobs.count, 20, 0.05)
    for delete in (True, False):
        with slot.started() as process:
            wait_for(lambda: "<fraction_done>" in slot.client.receive(), 60, "a report")
            (runtime,) = [path for path in slot.project.glob("pymw_runtime_*") if path.is_dir()]
            if delete:
                shutil.rmtree(runtime)
            assert slot.finish(process) == 0, slot.client.read("stderr.txt")
        assert value_in(slot.project / "pymw_result") == sum(range(20))
        (slot.path / "boinc_finish_called").unlink()
    assert "Traceback" not in slot.client.read("stderr.txt")
    slot.client.close()
