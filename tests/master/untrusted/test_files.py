"""The files that strangers send back: no more memory than they may take, no error but LOST."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from pymw import worker_files
from pymw_worker import container, outcome, values


def write(folder: Path, stdout: bytes = b"", started: str = "2026-01-01T00:00:00Z") -> tuple[Path, Path]:
    outcome.write(str(folder / "result"), outcome.VALUE, value_bytes=values.dumps(1))
    members = {"stdout": stdout, "stderr": b"", "traceback": b""}
    (folder / "log").write_bytes(container.pack("log", {"started": started}, members, compress=True))
    return folder / "result", folder / "log"


def test_a_log_that_unpacks_to_far_too_much_is_left_out(tmp_path: Path) -> None:
    files = write(tmp_path, bytes(300_000_000))
    assert files[1].stat().st_size < 1_000_000
    tracemalloc.start()
    try:
        end = worker_files.read_ending(*files)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert (end.status, end.stdout, end.facts) == ("value", "", {})


def test_a_result_larger_than_allowed_is_lost(tmp_path: Path) -> None:
    result, log = write(tmp_path)
    end = worker_files.read_ending(result, log, limit=3)
    assert end.status == "lost"
    assert "too large" in end.message


def test_a_clock_that_is_wrong_is_no_clock(tmp_path: Path) -> None:
    for started in ("0001-01-01T00:00:00", "9999-12-31T23:59:59+00:00", "now", ""):
        worker_files.read_ending(*write(tmp_path, started=started))
