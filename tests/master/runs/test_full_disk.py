"""A full disk ends in RunError for all who wait, and costs nothing that was kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymw import Master
from pymw.errors import RunError

from tests.master.runs.threads import Threads


def data(x: int) -> bytes:
    return bytes([x]) * 100_000


def test_a_full_disk_is_told_to_all_who_wait_and_what_was_kept_stays(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    kept = 0
    with Master(Threads(), run=small_disk / "sweep") as master:
        futures = [master.submit(data, x) for x in range(100)]
        for future in futures:
            error = future.exception(60)
            kept += error is None
            assert error is None or (isinstance(error, RunError) and "the disk is full" in str(error))
        with pytest.raises(RunError, match="the disk is full"):
            master.submit(data, 101)
    assert 0 < kept < 100

    ballast.unlink()
    interface = Threads()
    with Master(interface, run=small_disk / "sweep") as master:
        futures = [master.submit(data, x) for x in range(kept)]
        assert [future.result(60) for future in futures] == [data(x) for x in range(kept)]
    assert interface.runs <= 5  # tasks end in any order: some of the first ones may not have been kept
