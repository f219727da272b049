"""No file is said to be there while it goes, and one who is killed meanwhile leaves nothing behind."""

from __future__ import annotations

import shutil
import signal

import pytest
from pymw_packager.client_process import dies_with_us

from tests.bench.require import require
from tests.server.daemon import Assimilator
from tests.server.expiring import one_round
from tests.server.played_job_file import LATER, PAST, JobFiles
from tests.server.stock_project import StockProject


def strace(project: StockProject, call: str, inject: str, *more: str) -> list[str]:
    """A command that does something to a program at a system call."""
    require(shutil.which("strace"), "strace (apt-get install strace)")
    trace = project.task_dir.parent / "trace"
    tracing = ["strace", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e", inject, *more]
    return [*tracing, *dies_with_us()]  # not with strace, of itself


@pytest.mark.parametrize("moment", ["delay_enter", "delay_exit"])
def test_who_asks_while_a_file_goes_hears_that_it_is_absent(
    stock_project: StockProject, files: JobFiles, moment: str
) -> None:
    name = files.upload(b"old", PAST)
    # Before the file goes, and after it, but before the database is told.
    slow = strace(stock_project, "unlink", f"inject=unlink:{moment}=2000000", "-P", str(files.path(name)))
    stop = stock_project.home.folder / "stop_daemons"
    with Assimilator(stock_project, prefix=slow) as daemon:
        last = files.md5(name) if moment == "delay_enter" else files.path(name)
        daemon.wait_for(lambda: not last.exists())
        assert files.path(name).exists() == (moment == "delay_enter")
        assert list(files.rows()) == [name]  # the transaction is not over
        assert not files.query(name, LATER)
        assert files.rows() == {}
        assert files.upload(b"old", LATER) == name
        daemon.wait_for_log("Removed 1 input files")
        stop.touch()
        assert daemon.wait() == 0
    assert files.whole(name)


# The notes and files of two go; the database is told, and told that this is all.
STEPS = [("unlink", 1), ("unlink", 2), ("unlink", 3), ("unlink", 4), ("DELETE", 1), ("COMMIT", 1)]


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize(("call", "count"), STEPS)
def test_killed_at_a_step(
    stock_project: StockProject, files: JobFiles, call: str, count: int, asked: bool
) -> None:
    names = [files.upload(b"first", PAST), files.upload(b"second", PAST)]
    if call != "unlink":
        call, count = "sendto", sent_before(stock_project, files, call)
        files.upload(b"first", PAST)
        files.upload(b"second", PAST)
    killer = strace(stock_project, call, f"inject={call}:signal=KILL:when={count}")
    with Assimilator(stock_project, prefix=killer) as daemon:
        assert daemon.wait() == -signal.SIGKILL
    there = {name for name in names if files.path(name).exists()}
    stock_project.database.rows("SELECT id FROM job_file FOR UPDATE")  # the database knows of the end
    assert set(files.rows()) == set(names)
    if asked:
        assert {name for name in names if files.query(name, LATER)} == there
        assert set(files.rows()) == there
        for name, data in zip(names, (b"first", b"second"), strict=True):
            if name not in there:
                assert files.upload(data, LATER) == name
        one_round(stock_project)
        assert set(files.rows()) == set(names) <= files.left()
    else:
        one_round(stock_project)
        assert files.whole()


def sent_before(project: StockProject, files: JobFiles, word: str) -> int:
    """Which of the packets that the daemon sends says this last; it removes what has expired."""
    stop = project.home.folder / "stop_daemons"
    with Assimilator(project, prefix=strace(project, "sendto", "trace=sendto")) as daemon:
        daemon.wait_for(files.whole)
        stop.touch()  # strace passes no signal on
        assert daemon.wait() == 0
    stop.unlink()
    sent = [line for line in (project.task_dir.parent / "trace").read_text().splitlines() if "sendto" in line]
    return next(number for number, line in enumerate(sent, 1) if word in line)
