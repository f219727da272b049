"""Unpacking under faults: whatever happens, a runtime is whole or not used."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import soak
from tests.bench.require import require
from tests.faults.plugin import Held
from tests.launcher.application import Application
from tests.launcher.embedded import FILES, VERSION, age, flip, is_whole, leftovers, started_from
from tests.launcher.test_places import mounted

DAY = 86_400
LONG = 15 * DAY  # a runtime that has not been used for so long is removed
OTHER = "pymw_runtime_0123456789abcdef"
UNTIL_KILLED = {"TEST_WAIT": "600"}


def forget(application: Application) -> None:
    """Remove all runtimes, and what belongs to them."""
    for path in application.project.glob("pymw_runtime_*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def old_runtime(folder: Path) -> Path:
    """Put one of an earlier payload there, long unused."""
    old = folder / OTHER
    for name, content in FILES.items():
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_bytes(content)
    age(old, LONG)
    return old


def unpack(application: Application) -> None:
    """There is none yet."""


def unpack_again(application: Application) -> None:
    """One is there, and damaged."""
    application.run()
    (application.runtime() / "lib" / "007").unlink()


def verify(application: Application) -> None:
    """One is there that is to be read through."""
    application.run()
    age(application.runtime() / ".pymw_complete", DAY)


def remove(application: Application) -> None:
    """One is there, another that nobody has used for long, and a third that somebody was removing."""
    application.run()
    old_runtime(application.project).rename(application.project / f"{OTHER}.7-ab.tmp")
    old_runtime(application.project)


def steps(application: Application) -> list[tuple[str, int]]:
    """Each system call that the launcher makes until it becomes the worker, and which of that name it is.

    But for those by which its two threads wait for each other: how many they are is chance.
    """
    trace = application.root / "trace"
    assert application.run(before=["strace", "-qq", "-o", str(trace)]).returncode == 0
    names = re.findall(r"^(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE)
    names = [name for name in names[: names.index("execve", 1)] if name != "futex"]
    return [(name, names[: index + 1].count(name)) for index, name in enumerate(names)][1:]


@pytest.mark.soak
@pytest.mark.fault("killed at every step of unpacking", "kill -9 of the launcher")
@pytest.mark.parametrize("prepare", [unpack, unpack_again, verify, remove])
def test_killed_at_any_system_call_the_next_start_works(
    embedded: Application, prepare: Callable[[Application], None], held: Held
) -> None:
    require(shutil.which("strace"), "strace (apt-get install strace)")
    prepare(embedded)
    possible = steps(embedded)
    number = min(len(possible), soak.rounds(15, 1000))
    for call, count in (possible[index * len(possible) // number] for index in range(number)):
        forget(embedded)
        prepare(embedded)
        killer = ["strace", "-qq", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={count}"]
        killed = embedded.run(before=[*killer, "-o", str(embedded.root / "trace")])
        assert killed.returncode == -signal.SIGKILL, (call, count, killed.stderr)
        assert embedded.started() is None
        is_ready = f"{embedded.runtime()}  ready" in embedded.run("--explain").stdout
        assert not is_ready or is_whole(embedded.runtime()), (call, count)
        done = embedded.run()
        assert started_from(embedded, embedded.runtime()), (call, count, done.stderr)
        assert leftovers(embedded.project) == [], (call, count)
        assert not (embedded.project / OTHER).exists(), (call, count)
    held(f"kills while the launcher was to {prepare.__name__.replace('_', ' ')}", number)


@pytest.mark.soak
@pytest.mark.fault("one bit of the payload flipped")
def test_a_payload_with_any_bit_flipped_is_refused(embedded: Application, held: Held) -> None:
    payload = embedded.project / embedded.settings["payload"].name
    whole = payload.read_bytes()
    number = soak.rounds(20, 200)
    for seed in range(number):
        payload.write_bytes(whole)
        flip(payload, random.Random(seed))
        done = embedded.run("--python", VERSION)
        assert (done.returncode, embedded.started()) == (206, None), seed
        assert f"the payload {payload}: it is damaged" in done.stderr
        assert not embedded.runtime().exists()
    held("bits flipped in a payload", number)


@pytest.mark.soak
@pytest.mark.fault("one bit of an unpacked runtime flipped")
def test_a_runtime_with_any_bit_flipped_is_unpacked_again(embedded: Application, held: Held) -> None:
    embedded.run()
    names = [".pymw_complete", *(name for name, content in FILES.items() if content)]
    number = soak.rounds(20, 200)
    for seed in range(number):
        chance = random.Random(seed)
        name = names[0] if seed % 10 == 0 else chance.choice(names)
        flip(embedded.runtime() / name, chance)
        age(embedded.runtime() / ".pymw_complete", 2 * 3600)
        done = embedded.run()
        assert started_from(embedded, embedded.runtime()), (seed, name, done.stderr)
        assert "verified the runtime" in done.stderr or "is damaged; it is unpacked again" in done.stderr
        assert name == names[0] or "is damaged" in done.stderr, (seed, name)
    held("bits flipped in a runtime", number)


def test_who_changes_a_file_of_a_runtime_is_noticed_at_once_but_a_copy_is_none_the_worse(
    embedded: Application,
) -> None:
    embedded.run()
    path = embedded.runtime() / "lib" / "007"
    path.write_bytes(bytes(len(path.read_bytes())))
    assert "is damaged" in embedded.run().stderr
    assert started_from(embedded, embedded.runtime())
    age(path, 1000)
    assert "verified the runtime" in embedded.run().stderr
    assert embedded.run().stderr == ""


def test_where_no_thread_can_be_had_one_does_it_all(embedded: Application) -> None:
    require(shutil.which("strace"), "strace (apt-get install strace)")
    log = embedded.root / "trace"
    refuse = ["strace", "-qq", "-e", "trace=clone,clone3", "-e", "inject=clone,clone3:error=EAGAIN"]
    assert embedded.run(before=[*refuse, "-o", str(log)]).returncode == 0
    assert log.read_text().count("EAGAIN") >= 2
    assert started_from(embedded, embedded.runtime())


@pytest.mark.fault(
    "one bit of an unpacked runtime flipped", "the runtime is deleted or damaged between two starts"
)
def test_after_a_start_that_came_to_nothing_all_of_it_is_read(embedded: Application) -> None:
    embedded.run()
    path = embedded.runtime() / "python"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"#!/bin/sh", b"#!/bin/zz"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "failed to start" in embedded.run().stderr
    assert "is damaged; it is unpacked again" in embedded.run().stderr
    assert started_from(embedded, embedded.runtime())
    assert embedded.run(environment={"TEST_CRASH": "1"}).stderr == ""
    assert "verified the runtime" in embedded.run().stderr
    assert embedded.run().stderr == ""


def test_a_start_that_is_on_its_way_is_none_that_came_to_nothing(
    embedded: Application, waiting: "Start"
) -> None:
    embedded.run()
    waiting(TEST_CRASH="1")
    assert (embedded.runtime() / ".pymw_doubt").exists()
    assert embedded.run().stderr == ""


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def waiting(embedded: Application) -> Iterator[Start]:
    """Starts workers that run until they are killed."""
    running: list[subprocess.Popen[str]] = []

    def start(**environment: str) -> "subprocess.Popen[str]":
        (embedded.slot / "started.txt").unlink(missing_ok=True)
        variables = embedded.environment({**UNTIL_KILLED, **environment})
        running.append(subprocess.Popen(embedded.argv(), cwd=embedded.slot, env=variables, text=True))
        deadline = time.monotonic() + 30
        while not (embedded.slot / "started.txt").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def another_payload(application: Application) -> Path:
    """A newer package has come: give it another payload, and return where the runtime of the first one is."""
    first = application.runtime()
    application.add_payload({**FILES, "newer": b"x"}, VERSION)
    application.configure()
    return first


@pytest.mark.fault("old runtimes are removed")
def test_a_runtime_is_removed_when_it_has_not_been_used_for_two_weeks(embedded: Application) -> None:
    embedded.run()
    first = another_payload(embedded)
    embedded.run()
    age(first, 13 * DAY)
    assert embedded.run().stderr == ""
    assert first.exists()
    age(first, LONG)
    assert f"removed the runtime {first}" in embedded.run().stderr
    assert not first.exists() and leftovers(embedded.project) == []
    assert embedded.runtime().exists()


@pytest.mark.fault("old runtimes are removed", "the clock jumps")
def test_one_with_a_time_to_come_is_removed_two_weeks_from_now(embedded: Application) -> None:
    embedded.run()
    first = another_payload(embedded)
    age(first, -1000 * DAY)
    embedded.run()
    assert abs(time.time() - first.stat().st_mtime) < 60


@pytest.mark.fault("old runtimes are removed")
def test_one_that_is_used_after_two_weeks_is_not_removed(embedded: Application) -> None:
    embedded.run()
    age(embedded.runtime(), LONG)
    assert embedded.run().stderr == ""
    assert abs(time.time() - embedded.runtime().stat().st_mtime) < 60


@pytest.mark.fault("old runtimes are removed")
def test_a_runtime_in_use_is_never_removed(embedded: Application, waiting: Start) -> None:
    process = waiting()
    first = another_payload(embedded)
    embedded.run()
    age(first, LONG)
    assert embedded.run().stderr == ""
    assert is_whole(first)
    process.kill()
    process.wait()
    assert "removed the runtime" in embedded.run().stderr
    assert not first.exists()


@pytest.mark.fault("old runtimes are removed", "the disk is full while the runtime is unpacked")
def test_a_disk_too_small_for_two_has_what_nobody_uses_removed_at_once(embedded: Application) -> None:
    cache = embedded.home / ".cache" / "pymw"
    (embedded.slot / "init_data.xml").unlink()
    old = old_runtime(embedded.project)
    small = f"mount -t tmpfs -o size=2500k none '{embedded.home}'"
    moved = f"mkdir -p '{cache}' && cp -r '{old}' '{cache}' && touch '{cache}'/* && export SEEN='{cache}'"
    look = ["sh", "-c", '"$@"; status=$?; ls "$SEEN"; exit $status', "sh"]
    done = embedded.run(before=[*mounted(small, moved), *look])
    assert done.returncode == 0, done.stderr
    assert f"removed the runtime {cache / OTHER}" in done.stderr
    assert f"unpacked {embedded.settings['payload'].name} in {cache}" in done.stderr
    assert OTHER not in done.stdout.split()


@pytest.mark.fault("the runtime is deleted while in use")
def test_deleted_while_in_use_it_is_unpacked_again_for_the_next(
    embedded: Application, waiting: Start
) -> None:
    process = waiting()
    shutil.rmtree(embedded.runtime())
    done = embedded.run()
    assert started_from(embedded, embedded.runtime()), done.stderr
    assert process.poll() is None
