"""A run's folder: where it is, who has it, and what is refused in one sentence without a change."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw import Master, run_folder
from pymw.errors import RunError
from pymw.export import Export

from tests.bench.require import require
from tests.master.runs.conftest import MakeMaster
from tests.master.runs.threads import Threads

HOLD = """
import sys, time
from pymw.run_folder import Lock
from pathlib import Path
lock = Lock(Path(sys.argv[1]))
print("has it", flush=True)
time.sleep(60)
"""


def square(x: int) -> int:
    return x * x


def fill(run: Path) -> None:
    with Master(Threads(), run=run) as master:
        master.submit(square, 3).result()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_name_is_a_folder_under_pymw_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYMW_RUNS", raising=False)
    assert run_folder.find("sweep-7") == Path("pymw_runs/sweep-7")
    assert run_folder.find(f"some{os.sep}where") == Path("some/where")
    assert run_folder.find(Path("here")) == Path("here")
    monkeypatch.setenv("PYMW_RUNS", str(tmp_path / "all"))
    assert run_folder.find("sweep-7") == tmp_path / "all" / "sweep-7"
    with Master(Threads(), run="sweep-7") as master:
        assert master.submit(square, 2).result() == 4
    assert run_folder.is_run(tmp_path / "all" / "sweep-7")


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b"])
def test_some_names_are_none(name: str) -> None:
    with pytest.raises(RunError, match="a run cannot be named"):
        Master(Threads(), run=name)


def test_two_masters_cannot_work_on_one_run(master: MakeMaster, run: Path) -> None:
    first = master()
    with pytest.raises(RunError, match=f"in use by process {os.getpid()} on .* since"):
        master()
    assert first.submit(square, 2).result() == 4
    first.shutdown()
    assert master().submit(square, 2).result() == 4


def test_the_lock_dies_with_its_process(master: MakeMaster, run: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "has it\n"
        assert run_folder.in_use(run)
        with pytest.raises(RunError, match=f"in use by process {holder.pid} on "):
            master()
        holder.send_signal(signal.SIGKILL)
    assert not run_folder.in_use(run)
    assert master().submit(square, 2).result() == 4


def test_a_failed_start_lets_the_run_go(master: MakeMaster, run: Path) -> None:
    class Failing(Threads):
        def open(self, listener: object) -> None:
            raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        master(Failing())
    assert not run_folder.in_use(run)
    master()


def test_a_folder_with_other_things_is_left_alone(run: Path) -> None:
    run.mkdir()
    (run / "thesis.tex").write_text("precious")
    with pytest.raises(RunError, match=r"holds other things, such as thesis.tex, and no run"):
        Master(Threads(), run=run)
    assert contents(run) == {"thesis.tex": b"precious"}


def test_a_file_is_no_run(run: Path) -> None:
    run.write_text("precious")
    with pytest.raises(RunError, match="is a file: name a folder"):
        Master(Threads(), run=run)
    assert run.read_text() == "precious"


def changed(run: Path, statement: str) -> None:
    connection = sqlite3.connect(run / run_folder.DATABASE)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("PRAGMA user_version = 2", "was made by a newer PyMW: update this one"),
        ("PRAGMA application_id = 7", "is no run: its run.sqlite was made by another program"),
    ],
)
def test_what_others_made_is_left_alone(run: Path, statement: str, words: str) -> None:
    fill(run)
    changed(run, statement)
    before = contents(run)
    with pytest.raises(RunError, match=words):
        Master(Threads(), run=run)
    assert contents(run) == before


@pytest.mark.parametrize("data", [b"not a database" * 100, b"SQLite format 3\0", b"\0" * 5000])
def test_a_damaged_database_is_left_alone(run: Path, data: bytes) -> None:
    fill(run)
    (run / run_folder.DATABASE).write_bytes(data)
    before = contents(run)
    with pytest.raises(RunError, match=r"is damaged: its run.sqlite is no database"):
        Master(Threads(), run=run)
    assert contents(run) == before


@pytest.mark.parametrize("kept", [4096, 8192])
def test_damage_within_the_database_is_told(run: Path, kept: int) -> None:
    fill(run)
    database = run / run_folder.DATABASE
    database.write_bytes(database.read_bytes()[:kept] + b"\xff" * 30_000)
    with pytest.raises(RunError, match="is damaged"), Master(Threads(), run=run) as master:
        master.submit(square, 3).result(30)
    assert not run_folder.in_use(run)


@pytest.mark.parametrize("left", [{}, {"lock": b""}, {"lock": b"", "run.sqlite": b""}])
def test_a_run_killed_while_it_was_made_is_usable(run: Path, left: dict[str, bytes]) -> None:
    run.mkdir()
    for name, data in left.items():
        (run / name).write_bytes(data)
    fill(run)


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A folder with a run `sweep`, in which this test may only read."""
    require(hasattr(os, "geteuid"), "a system with users")
    fill(tmp_path / "sweep")
    # Those above belong to other tests as well: others may only pass through them.
    above = [folder for folder in tmp_path.parents if "pytest-" in str(folder)]
    modes = {folder: folder.stat().st_mode for folder in (tmp_path / "sweep", tmp_path, *above)}
    as_root = os.geteuid() == 0
    for folder, mode in modes.items():
        folder.chmod(mode | 0o055 if folder in above else 0o555)
    if as_root:
        os.seteuid(65534)
    try:
        yield tmp_path
    finally:
        if as_root:
            os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)


def test_a_folder_without_permission_is_told(forbidden: Path) -> None:
    for name in ("other", "sweep"):
        with pytest.raises(RunError, match=f"{name} cannot be written: Permission denied"):
            Master(Threads(), run=forbidden / name)


def test_somebody_else_s_run_can_be_read(forbidden: Path) -> None:
    assert [json.loads(line)["value"] for line in Export(forbidden / "sweep").lines()] == [9]


def test_a_run_that_was_ended_at_once_is_empty(run: Path) -> None:
    run.mkdir()
    (run / run_folder.DATABASE).touch()
    with pytest.raises(RunError, match="is empty"):
        Export(run)


def test_times_of_the_owner_are_told(run: Path) -> None:
    fill(run)
    owner = run_folder.owner(run)
    assert owner["pid"] == os.getpid()
    assert abs(owner["since"] - time.time()) < 60
