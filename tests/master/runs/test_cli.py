"""The command `pymw`, as its users type it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymw import Master

from tests.master.runs.threads import Threads


def pymw(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pymw.cli", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYMW_RUNS": str(cwd or "")},
    )


def simulate(x: int) -> int:
    if x % 10 == 3:
        raise ValueError(f"no value of [{x}]")
    return x * x


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a run of 20 tasks, two of which have failed."""
    with Master(Threads(), run=tmp_path / "sweep-7") as master:
        for future in [master.submit(simulate, x) for x in range(20)]:
            future.exception()
    return tmp_path


def test_help_teaches() -> None:
    done = pymw("--help")
    assert done.returncode == 0
    for words in ("pymw runs", "pymw status sweep-7", "--output results.jsonl", "exit status", "PYMW_RUNS"):
        assert words in done.stdout
    assert "base64" in pymw("export", "--help").stdout


def test_runs_shows_a_line_for_each(runs: Path) -> None:
    with Master(Threads(), run=runs / "other") as master:
        master.submit(simulate, 1).result()
        done = pymw("runs", cwd=runs)
    assert done.returncode == 0
    assert re.search(r"other +1 +1 +0 +0 +0 .* ago +works on it", done.stdout)
    assert re.search(r"sweep-7 +20 +18 +2 +0 +0 .* ago +–", done.stdout)


def test_runs_as_json(runs: Path) -> None:
    (found,) = json.loads(pymw("runs", "--json", "--folder", runs).stdout)
    assert found["name"] == "sweep-7"
    assert (found["tasks"], found["finished"], found["failed"], found["waiting"]) == (20, 18, 2, 0)
    assert found["in_use"] is False


def test_runs_goes_on_after_a_damaged_one(runs: Path) -> None:
    (runs / "bad").mkdir()
    (runs / "bad" / "run.sqlite").write_text("damaged")
    done = pymw("runs", cwd=runs)
    assert done.returncode == 2
    assert "sweep-7" in done.stdout
    assert re.fullmatch(r"pymw: the run \S+bad is damaged: [^\n]+\n", done.stderr)


def test_status_tells_counts_failures_functions_and_workers(runs: Path) -> None:
    done = pymw("status", "sweep-7", cwd=runs)
    assert done.returncode == 1
    assert "20 tasks: 18 finished, 2 failed, 0 running, 0 waiting" in done.stdout
    assert "No program works on it" in done.stdout
    assert re.search(r"Results per minute: [\d,.]+ overall", done.stdout)
    assert re.search(r"^simulate +18 +2 +0 ", done.stdout, re.MULTILINE)
    assert re.search(r"^worker \[\d\] +\d+ +\d ", done.stdout, re.MULTILINE)
    assert re.search(r"2 failed: ValueError, such as task 4:\n  no value of \[3\]", done.stdout)


def test_status_of_a_run_that_is_worked_on(runs: Path) -> None:
    with Master(Threads(), run=runs / "sweep-7") as master:
        master.submit(simulate, 100).result()
        facts: Any = json.loads(pymw("status", "sweep-7", "--json", cwd=runs).stdout)
        shown = pymw("status", "sweep-7", cwd=runs).stdout
    assert facts["in_use"] is True
    assert facts["owner"]["pid"] == os.getpid()
    assert facts["per_minute_lately"] > 0
    assert facts["finished"] == 19
    assert f"Process {os.getpid()} on " in shown


def test_export_writes_lines_or_a_file(runs: Path) -> None:
    printed = pymw("export", "sweep-7", cwd=runs)
    assert printed.returncode == 0
    assert [json.loads(line).get("value") for line in printed.stdout.splitlines()][:5] == [0, 1, 4, None, 16]
    written = pymw("export", "sweep-7", "--output", runs / "all.jsonl", cwd=runs)
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert (runs / "all.jsonl").read_text() == printed.stdout
    failed = pymw("export", runs / "sweep-7", "--failed").stdout.splitlines()
    assert [json.loads(line)["args"] for line in failed] == [[3], [13]]


def test_an_export_that_fails_leaves_the_old_file_alone(runs: Path) -> None:
    (runs / "all.jsonl").write_text("old")
    database = runs / "sweep-7" / "run.sqlite"
    database.write_bytes(database.read_bytes()[:4096] + b"\xff" * 30_000)
    done = pymw("export", "sweep-7", "--output", runs / "all.jsonl", cwd=runs)
    assert done.returncode == 2
    assert re.fullmatch(r"pymw: the run \S+sweep-7 is damaged [^\n]+\n", done.stderr)
    assert (runs / "all.jsonl").read_text() == "old"
    assert sorted(path.name for path in runs.iterdir()) == ["all.jsonl", "sweep-7"]


def test_export_into_a_pipe_that_closes_is_quiet(runs: Path) -> None:
    with Master(Threads(), run=runs / "large") as master:
        list(master.map(str, range(3000)))
    command = [sys.executable, "-m", "pymw.cli", "export", str(runs / "large")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["task"] == 1
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status", "nothing"], "there is no run in "),
        (["export", ".."], "a run cannot be named '..'"),
        (["runs", "--folder", "nowhere"], "there is no folder nowhere"),
        (["export", "sweep-7", "--output", "nowhere/all.jsonl"], "No such file or directory"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_errors_are_one_sentence(runs: Path, arguments: list[str], words: str) -> None:
    done = pymw(*arguments, cwd=runs)
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert re.fullmatch(r"pymw: [^\n]+\.\n", done.stderr)
