"""Another start of the machine: nothing was synced, so what a power failure left is read before its use."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.bench.require import require
from tests.launcher.application import Application
from tests.launcher.embedded import started_from
from tests.launcher.test_places import mounted
from tests.launcher.test_unpacking import forget


def of_another_boot(application: Application) -> None:
    """Make a runtime's marker say that the machine was started again since, without a change of its time."""
    path = application.runtime() / ".pymw_complete"
    before = path.stat()
    text = path.read_text(encoding="utf-8")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert text.splitlines()[0].endswith(f" {boot}")
    path.write_text(text.replace(boot, "0" * 8 + boot[8:]), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.fault("the power fails after a runtime was unpacked")
def test_after_another_start_of_the_machine_all_of_it_is_read_once(embedded: Application) -> None:
    embedded.run()
    of_another_boot(embedded)
    assert f"{embedded.runtime()}  doubtful" in embedded.run("--explain").stdout
    said = embedded.run().stderr
    assert "verified the runtime" in said and "unpacked" not in said
    assert started_from(embedded, embedded.runtime())
    assert embedded.run().stderr == ""


@pytest.mark.fault("the power fails after a runtime was unpacked")
@pytest.mark.parametrize("name", ["lib/007", ".pymw_complete"])
def test_what_a_power_failure_left_of_it_is_unpacked_again(embedded: Application, name: str) -> None:
    embedded.run()
    of_another_boot(embedded)
    path = embedded.runtime() / name
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert f"the runtime {embedded.runtime()} is damaged; it is unpacked again" in embedded.run().stderr
    assert started_from(embedded, embedded.runtime())
    assert embedded.run().stderr == ""


def test_nothing_is_synced_unless_the_machine_tells_no_start_from_another(embedded: Application) -> None:
    require(shutil.which("strace"), "strace (apt-get install strace)")
    log = embedded.root / "trace"
    trace = ["strace", "-f", "-qq", "-e", "trace=fsync,syncfs,fdatasync,sync", "-o", str(log)]
    assert embedded.run(before=trace).returncode == 0
    assert "sync" not in log.read_text()
    forget(embedded)
    hidden = mounted("mount --bind /dev/null /proc/sys/kernel/random/boot_id", "true")
    assert embedded.run(before=[*hidden, *trace]).returncode == 0
    assert started_from(embedded, embedded.runtime())
    assert re.findall(r"\b(f?sync(?:fs)?)\(", log.read_text()) == ["syncfs", "fsync", "fsync", "fsync"]
    said = (embedded.runtime() / ".pymw_complete").read_text(encoding="utf-8").splitlines()[0]
    assert said.endswith(" synced")
    assert embedded.run().stderr == ""
