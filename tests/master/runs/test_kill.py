"""However often a program is killed, and whenever: started again, it loses nothing and does nothing twice."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from pymw import plain, run_folder, store
from pymw.errors import RunError

from tests.bench.soak import rounds
from tests.faults.plugin import Held

ROOT = Path(__file__).parents[3]
# Interfaces, and how many tasks make a program run for about a second.
TASKS = {"threads": 1000, "multicore": 1000, "generic": 60}
STARTING = 0.4  # seconds that a program takes, at least, to find again what there is


def start(run: Path, journal: Path, kind: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "tests.master.runs.sweep"]
    command = [*program, str(run), str(journal), str(TASKS[kind]), kind]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_a_moment(
    program: subprocess.Popen[str], journal: Path, tasks: int, chance: random.Random
) -> None:
    """Wait for some time while a program starts, or until it has begun with some tasks, or has ended."""
    if chance.random() < 0.4:
        time.sleep(chance.uniform(0, STARTING))
        return
    lines = begun(journal).total() + chance.randint(1, tasks // 3)
    while begun(journal).total() < lines and program.poll() is None:
        time.sleep(0.001)


def begun(journal: Path) -> Counter[int]:
    """How often each task was begun."""
    return Counter(map(int, journal.read_text().split())) if journal.exists() else Counter()


def finished(run: Path) -> list[int]:
    """The tasks whose results are kept, one for each result."""
    if not run_folder.is_run(run):
        return []
    try:
        connection = store.open_to_read(run)
    except RunError as error:
        assert "is empty" in str(error)
        return []
    with contextlib.closing(connection):
        rows = connection.execute("SELECT arguments FROM tasks JOIN endings ON task = number AND state = 2")
        return [plain.load(row[0])[0][0] for row in rows]


ROUNDS = [
    *[("threads", seed) for seed in range(rounds(3, 100))],
    *[("multicore", seed) for seed in range(rounds(1, 20))],
    *[("generic", seed) for seed in range(rounds(1, 20))],
]


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "seed"), ROUNDS)
def test_a_program_killed_at_random_moments_ends_as_if_it_had_not_been(
    tmp_path: Path, kind: str, seed: int, held: Held
) -> None:
    chance = random.Random(seed)
    run, journal = tmp_path / "sweep", tmp_path / "journal"
    kept: dict[int, int] = {}  # how often a task had been begun when its result was first seen
    kills = 0
    while True:
        with start(run, journal, kind) as program:
            wait_for_a_moment(program, journal, TASKS[kind], chance)
            program.kill()
            out, err = program.communicate()
        assert "Traceback" not in err  # a library may say that it was killed
        counts, done = begun(journal), finished(run)
        assert len(done) == len(set(done))
        for task in done:
            kept.setdefault(task, counts[task])
        assert {task: counts[task] for task in kept} == kept
        assert set(kept) == set(done)
        if program.returncode == 0:
            break
        kills += 1
    held("kills of a program with a run", kills)
    assert out == "all well\n"
    assert sorted(done) == list(range(TASKS[kind]))
    assert max(counts.values()) <= kills + 1
    with contextlib.closing(store.open_to_read(run)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
