"""The bench itself: commands in another root run, are bounded in time, and leave nothing behind."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.bench.chroot import Chroot


def mounts_in(chroot: Chroot) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if f" {chroot.path}/" in line]


def processes_in(chroot: Chroot) -> list[str]:
    """Command lines of the processes that run with this root, or wait to enter it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if (process / "root").readlink() == chroot.path or str(chroot.path) in command:
                found.append(" ".join(command))
        except OSError:
            continue  # it has just ended, or is another user's
    return found


def nothing_runs_in(chroot: Chroot) -> bool:
    """Whether all processes end soon: the kernel takes a moment for those it kills."""
    deadline = time.monotonic() + 10
    while processes_in(chroot) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not processes_in(chroot)


def test_a_command_sees_a_32_bit_system_and_its_exit_status_comes_back(chroot: Chroot) -> None:
    done = chroot.run(["sh", "-c", "dpkg --print-architecture; pwd; exit 7"])
    assert (done.stdout, done.returncode) == ("i386\n/\n", 7)


def test_it_runs_in_the_folder_and_environment_it_was_given(chroot: Chroot, chroot_folder: Path) -> None:
    (chroot_folder / "here").touch()
    done = chroot.run(["/bin/sh", "-c", "ls; env"], chroot_folder, {"NAME": "two words"})
    assert "here\n" in done.stdout
    assert "NAME=two words\n" in done.stdout
    assert "HOME" not in done.stdout


def test_what_takes_too_long_is_killed_with_all_that_it_started(chroot: Chroot) -> None:
    started = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        chroot.run(["sh", "-c", "setsid sleep 47 & sleep 47"], timeout=1)
    assert time.monotonic() - started < 10
    assert nothing_runs_in(chroot)
    assert mounts_in(chroot) == []


def test_what_a_command_left_running_ends_with_it(chroot: Chroot) -> None:
    done = chroot.run(["sh", "-c", "setsid sleep 47 >/dev/null 2>&1 & echo left"])
    assert done.stdout == "left\n"
    assert nothing_runs_in(chroot)


def test_closing_the_leash_ends_a_command_that_ignores_every_signal_it_can(chroot: Chroot) -> None:
    command = [*chroot.prefix(chroot.path), "sh", "-c", "trap '' TERM INT HUP; echo on; sleep 47; sleep 47"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.stdin.close()
        assert process.wait(10) != 0
    assert nothing_runs_in(chroot)


def test_the_empty_root_has_no_shell(empty_chroot: Chroot) -> None:
    assert empty_chroot.run(["/bin/sh"]).returncode != 0
    assert sorted(path.name for path in empty_chroot.path.rglob("*")) == ["dev", "proc", "tmp"]
