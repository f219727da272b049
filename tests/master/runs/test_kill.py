"""However often a program is killed, and whenever: started again, it loses nothing and does nothing twice."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from pymw import plain, run_folder, store

from tests.master.runs.conftest import rounds

ROOT = Path(__file__).parents[3]
TASKS = 1000
LONGEST = 0.9  # seconds: about what one program takes from its start to its end


def start(run: Path, journal: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.master.runs.sweep", str(run), str(journal), str(TASKS)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def begun(journal: Path) -> Counter[int]:
    """How often each task was begun."""
    return Counter(map(int, journal.read_text().split())) if journal.exists() else Counter()


def finished(run: Path) -> list[int]:
    """The tasks whose results are kept, one for each result."""
    if not run_folder.is_run(run) or (run / run_folder.DATABASE).stat().st_size == 0:
        return []
    with contextlib.closing(store.open_to_read(run)) as connection:
        try:
            rows = connection.execute(
                "SELECT arguments FROM tasks JOIN endings ON task = number AND state = 2"
            )
            return [plain.load(row[0])[0][0] for row in rows]
        except sqlite3.OperationalError:  # killed before it had made its tables
            assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
            return []


@pytest.mark.parametrize("seed", range(rounds(3, 100)))
def test_a_program_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    run, journal = tmp_path / "sweep", tmp_path / "journal"
    kept: dict[int, int] = {}  # how often a task had been begun when its result was first seen
    kills = 0
    while True:
        with start(run, journal) as program:
            time.sleep(chance.uniform(0.1, LONGEST))
            program.kill()
            out, err = program.communicate()
        assert err == ""
        counts, done = begun(journal), finished(run)
        assert len(done) == len(set(done))
        for task in done:
            kept.setdefault(task, counts[task])
        assert {task: counts[task] for task in kept} == kept
        assert set(kept) == set(done)
        if program.returncode == 0:
            break
        kills += 1
    assert out == "all well\n"
    assert sorted(done) == list(range(TASKS))
    assert max(counts.values()) <= kills + 1
    with contextlib.closing(store.open_to_read(run)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
