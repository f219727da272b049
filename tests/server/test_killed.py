"""Killed at any moment, the assimilator loses nothing and hands over nothing twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence

import pytest
from pymw.boinc.backend import Ended
from pymw.project.states import ErrorMask, Outcome
from pymw.server import task_folder
from pymw.server.task_folder import Batch

from tests.bench.require import require
from tests.bench.soak import rounds
from tests.server.daemon import Assimilator
from tests.server.stock_project import Attempt, StockProject

BATCHES = ("pymw_000000000001", "pymw_000000000002", "pymw_000000000003")
VALUE = Attempt(files={"pymw_result": b"value", "pymw_log": b"log"})
ROUNDS = rounds(3, 100)
JOBS = 60  # of each batch, each round


def add_jobs(project: StockProject, first: int, count: int) -> None:
    """Jobs of all batches, every fifth of which has failed."""
    numbers = range(first, first + count)
    successes = [f"{batch}_{number}" for batch in BATCHES for number in numbers if number % 5]
    project.finished(
        {name: Attempt(files={"pymw_result": name.encode(), "pymw_log": b"log"}) for name in successes}
    )
    for batch in BATCHES:
        for number in numbers:
            if number % 5 == 0:
                attempt = Attempt(outcome=Outcome.CLIENT_ERROR, exit_status=3, stderr=b"no")
                project.failed(f"{batch}_{number}", ErrorMask.TOO_MANY_ERRORS, [attempt])


def check(batches: Sequence[Batch], count: int) -> None:
    """All jobs up to this number are in the journals, once, with their files, and nothing else is there."""
    for batch in batches:
        name = batch.folder.name
        recorded = (batch.folder / "ended.jsonl").read_bytes().splitlines()
        jobs = [json.loads(line)["name"] for line in recorded if line.endswith(b"}")]
        assert sorted(jobs) == sorted(f"{name}_{number}" for number in range(count))
        files = {"bundles", "ended.jsonl"}
        for ended in Batch(batch.folder).news():
            succeeded = int(ended.name.rpartition("_")[2]) % 5 != 0
            assert (ended.result is not None) == (ended.log is not None) == succeeded
            if ended.result and ended.log:
                assert ended.result.read_bytes() == ended.name.encode()
                assert ended.log.read_bytes() == b"log"
                files |= {ended.result.name, ended.log.name}
        assert {path.name for path in batch.folder.iterdir()} == files


@pytest.mark.soak
def test_killed_at_random_moments(stock_project: StockProject, held: Callable[[str, int], None]) -> None:
    batches = [stock_project.tasks.create(name) for name in BATCHES]
    chance = random.Random(os.environ.get("PYMW_SEED", "5"))
    for round_number in range(ROUNDS):
        add_jobs(stock_project, round_number * JOBS, JOBS)
        daemon = Assimilator(stock_project)
        with daemon:
            daemon.wait_for_log("Starting", round_number + 1)
            time.sleep(chance.uniform(0, 0.12))
            daemon.kill()
    with Assimilator(stock_project) as daemon:
        daemon.wait_for(lambda: set(stock_project.states().values()) == {2})
    check(batches, ROUNDS * JOBS)
    held("kills of the assimilator", ROUNDS)


# System calls of one pass: files get their names; all of them are on the disk; journals, and their names; the
# database is told (the last but one of what is sent to it), and left.
STEPS = [
    ("rename", 1),
    ("rename", 30),
    ("syncfs", 1),
    ("fsync", 1),
    ("fsync", 2),
    ("fsync", 6),
    ("sendto", 18),
    ("sendto", 19),
]


@pytest.mark.parametrize(("call", "count"), STEPS)
def test_killed_at_a_step(stock_project: StockProject, call: str, count: int) -> None:
    require(shutil.which("strace"), "strace (apt-get install strace)")
    batches = [stock_project.tasks.create(name) for name in BATCHES]
    add_jobs(stock_project, 0, 10)
    killer = ["strace", "-qq", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={count}"]
    trace = str(stock_project.task_dir.parent / "trace")
    with Assimilator(stock_project, "-one_pass", prefix=[*killer, "-o", trace]) as daemon:
        assert daemon.wait() == -signal.SIGKILL
    with Assimilator(stock_project, "-one_pass") as daemon:
        assert daemon.wait() == 0
    assert set(stock_project.states().values()) == {2}
    check(batches, 10)


@pytest.mark.parametrize("jobs", [1, 10])
def test_all_is_on_the_disk_before_the_next_step(stock_project: StockProject, jobs: int) -> None:
    require(shutil.which("strace"), "strace (apt-get install strace)")
    stock_project.tasks.create(BATCHES[0])
    stock_project.finished({f"{BATCHES[0]}_{number}": VALUE for number in range(jobs)})
    trace = stock_project.task_dir.parent / "trace"
    calls = ["strace", "-y", "-s", "500", "-e", "trace=rename,fsync,syncfs,sendto", "-o", str(trace)]
    with Assimilator(stock_project, "-one_pass", prefix=calls) as daemon:
        assert daemon.wait() == 0
    words = ("pymw-tmp", "ended.jsonl", "UPDATE workunit")
    steps = [
        (line.partition("(")[0], next((word for word in words if word in line), ""))
        for line in trace.read_text().splitlines()
        if line.startswith(("rename", "fsync", "syncfs")) or "UPDATE workunit" in line
    ]
    synced, named = ("fsync", "pymw-tmp"), ("rename", "pymw-tmp")
    if jobs == 1:  # result and log, each by itself, and then their names
        expected = [synced, named, synced, named, ("fsync", "")]
    else:
        expected = [named] * 2 * jobs + [("syncfs", "")]
    assert steps == [*expected, ("fsync", "ended.jsonl"), ("fsync", ""), ("sendto", "UPDATE workunit")]


@pytest.mark.parametrize("cut", [10, 1])
def test_a_line_without_its_end_is_written_again(stock_project: StockProject, cut: int) -> None:
    batch = stock_project.tasks.create(BATCHES[0])
    add_jobs(stock_project, 0, 10)
    line = task_folder.line_of(Ended(f"{BATCHES[0]}_5", reason="it failed", stderr="first"))
    (batch.folder / "ended.jsonl").write_bytes(line[:-cut])
    assert batch.news() == []
    with Assimilator(stock_project, "-one_pass") as daemon:
        assert daemon.wait() == 0
    names = [ended.name for ended in batch.news()]
    assert sorted(names) == [f"{BATCHES[0]}_{number}" for number in range(10)]
