"""Work that outlives its program is found again by the next one, and not started twice."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymw import store

from tests.master.runs.board import do

ROOT = Path(__file__).parents[3]
TASKS = 20


@pytest.fixture
def board(tmp_path: Path) -> Path:
    folder = tmp_path / "board"
    folder.mkdir()
    return folder


def start(run: Path, board: Path, *how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.master.runs.board", str(run), str(board), str(TASKS), *how]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def jobs(board: Path, number: int) -> set[Path]:
    """The jobs, when there are as many as this."""
    end = time.monotonic() + 30
    while len(found := set(board.glob("*.job"))) < number:
        assert time.monotonic() < end, f"only {len(found)} jobs"
        time.sleep(0.005)
    return found


def handles(run: Path) -> set[str]:
    with contextlib.closing(store.open_to_read(run)) as connection:
        return {handle for (handle,) in connection.execute("SELECT handle FROM tasks")}


def kill_when(run: Path, board: Path, number: int) -> set[Path]:
    """Start a program, and kill it when there are so many jobs."""
    with start(run, board) as program:
        found = jobs(board, number)
        program.kill()
    return found


def test_work_that_outlives_its_program_is_found_again(run: Path, board: Path) -> None:
    first = kill_when(run, board, TASKS)
    assert handles(run) == {job.stem for job in first}
    for job in sorted(first)[:5]:
        do(job)
    with start(run, board) as program:
        for job in sorted(first)[5:]:
            do(job)
        out, _ = program.communicate(timeout=30)
    assert out.split() == [str(x * x) for x in range(TASKS)]
    assert jobs(board, TASKS) == first


def test_work_that_ends_while_it_is_found_again_is_kept(run: Path, board: Path) -> None:
    kill_when(run, board, TASKS)
    with start(run, board, "hasty") as program:
        out, _ = program.communicate(timeout=30)
    assert out.split() == [str(x * x) for x in range(TASKS)]
    with contextlib.closing(store.open_to_read(run)) as connection:
        states = connection.execute("SELECT state, COUNT(*) FROM tasks GROUP BY state").fetchall()
    assert states == [(store.FINISHED, TASKS)]


def test_work_that_was_noted_but_not_started_is_started(run: Path, board: Path) -> None:
    first = kill_when(run, board, TASKS)
    lost = sorted(first)[:3]
    for job in lost:
        job.unlink()
    with start(run, board) as program:
        second = jobs(board, TASKS)
        for job in second:
            do(job)
        out, _ = program.communicate(timeout=30)
    assert out.split() == [str(x * x) for x in range(TASKS)]
    assert first - second == set(lost)
    with contextlib.closing(store.open_to_read(run)) as connection:
        attempts = connection.execute("SELECT SUM(attempts) FROM tasks").fetchone()
    assert attempts == (TASKS + 3,)


@pytest.mark.parametrize("number", [1, 7])
def test_a_program_killed_while_it_starts_work_finds_all_of_it(run: Path, board: Path, number: int) -> None:
    first = kill_when(run, board, number)
    with start(run, board) as program:
        second = jobs(board, TASKS)
        for job in second:
            do(job)
        out, _ = program.communicate(timeout=30)
    assert out.split() == [str(x * x) for x in range(TASKS)]
    assert first <= second
    assert jobs(board, TASKS) == second
