"""The fault matrix on Windows, as far as Wine shows it. All scenarios are played in one Windows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymw_worker import outcome

from tests.bench.chroot import Chroot
from tests.bench.packages import Packages, log_facts, value_in
from tests.bench.wine import Wine
from tests.client import jobs
from tests.windows import hard_tasks
from tests.windows.volunteer import Play, Windows

PLAYS = {
    "suspend": Play("suspend_and_resume", jobs.count, (60, 0.1)),
    "checkpoint": Play("quit_and_start_again", jobs.count_with_checkpoints, (20, 0.2)),
    "abort": Play("abort", jobs.count, (1000, 0.1)),
    "kill launcher": Play("kill_the_launcher", jobs.count, (1000, 0.1)),
    "exit 7": Play("run", jobs.vanish, (7,)),
    "crash": Play("run", hard_tasks.crash),
    "exit 0": Play("run", jobs.vanish, (0,)),
    "memory": Play("run", hard_tasks.run_out_of_memory),
    "shout": Play("run", hard_tasks.shout),
    "close": Play("run", hard_tasks.close_everything),
    "replace": Play("run", hard_tasks.replace_streams),
    "move": Play("run", hard_tasks.move),
    "delete": Play("run", hard_tasks.delete_own_folder),
    "lambda": Play("run", hard_tasks.return_a_lambda),
    "children": Play("run", hard_tasks.leave_children),
    "no memory": Play("run", jobs.total, ([20, 22],), memory=False),
    "half": Play("run_with_half_an_init_data", jobs.total, ([20, 22],)),
    "finished": Play("run_finished", jobs.total, ([20, 22],)),
    "kill worker": Play("kill_the_worker", jobs.count, (1000, 0.05)),
    "kill task": Play("kill_the_task", jobs.count, (1000, 0.05)),
    "throttle": Play("throttle", jobs.count, (60, 0.05)),
    "quit": Play("quit_while_suspended", jobs.count, (1000, 0.05)),
}


class Played:
    """What was seen of each play."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._seen = dict(zip(PLAYS, windows.play_all(list(PLAYS.values())), strict=True))

    def seen(self, name: str) -> dict[str, Any]:
        """What the client saw."""
        return self._seen[name]

    def folder(self, name: str) -> Path:
        """Where result and log are."""
        return self._windows.part(list(PLAYS).index(name))

    def stderr(self, name: str) -> str:
        """What launcher and worker said."""
        return self._windows.stderr(list(PLAYS).index(name) + 1)


@pytest.fixture(scope="module")
def windows(chroot: Chroot, windows_python: Path, packages: Packages) -> Iterator[Played]:
    with chroot.folder() as folder:
        made = Windows(
            Wine.create(chroot, folder / "windows"), windows_python, packages.get("windows_intelx86")
        )
        made.install_python(made.wine.c / "Python25")
        yield Played(made)


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        pytest.param("crash", 195, "0xC0000005", marks=pytest.mark.fault("dies of a signal")),
        pytest.param("exit 7", 195, "exit status 7", marks=pytest.mark.fault("exits with another status")),
        pytest.param("exit 0", 195, "left no outcome", marks=pytest.mark.fault("exits 0 without a result")),
        pytest.param("memory", 205, "memory", marks=pytest.mark.fault("is killed for memory")),
    ],
)
def test_a_task_that_dies_is_an_error_that_explains_itself(
    windows: Played, name: str, code: int, words: str
) -> None:
    assert windows.seen(name) == {"exit": code}, windows.stderr(name)
    assert words in windows.stderr(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("shout", "said", marks=pytest.mark.fault("prints 100 MB")),
        pytest.param("close", "closed", marks=pytest.mark.fault("closes all file descriptors")),
        pytest.param("replace", "replaced", marks=pytest.mark.fault("replaces sys.stdout")),
        pytest.param("move", "moved", marks=pytest.mark.fault("changes its folder")),
        pytest.param("delete", 0, marks=pytest.mark.fault("deletes its own folder")),
        pytest.param("children", "left", marks=pytest.mark.fault("leaves grandchildren that outlive it")),
        pytest.param("no memory", 42, marks=pytest.mark.fault("shared memory is missing")),
        pytest.param("half", 42, marks=pytest.mark.fault("init_data.xml is truncated")),
    ],
)
def test_a_task_that_does_what_it_likes_returns(windows: Played, name: str, value: object) -> None:
    assert windows.seen(name) == {"exit": 0}, windows.stderr(name)
    assert value_in(windows.folder(name) / "pymw_result") == value


@pytest.mark.fault("prints 100 MB")
def test_of_100_mb_the_end_is_kept(windows: Played) -> None:
    assert int(log_facts(windows.folder("shout") / "pymw_log")["stdout-cut"]) == 100_000_000 - (1 << 20)


@pytest.mark.fault("returns what cannot be pickled")
def test_what_cannot_be_pickled_is_said(windows: Played) -> None:
    assert windows.seen("lambda") == {"exit": 0}, windows.stderr("lambda")
    assert outcome.read(str(windows.folder("lambda") / "pymw_result")).status == outcome.UNRETURNABLE


@pytest.mark.fault("a stale finish file")
def test_a_stale_finish_file_ends_it_at_once(windows: Played) -> None:
    assert windows.seen("finished") == {"exit": 0}
    assert not (windows.folder("finished") / "pymw_result").exists()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kill worker", marks=pytest.mark.fault("kill -9 of the worker")),
        pytest.param("kill task", marks=pytest.mark.fault("kill -9 of the task")),
    ],
)
def test_what_is_killed_ends_with_all_its_processes(windows: Played, name: str) -> None:
    expected = 9 if name == "kill worker" else 195
    assert windows.seen(name) == {"exit": expected, "left": []}, windows.stderr(name)


@pytest.mark.fault("suspended and resumed each second for 60 s")
def test_a_task_that_is_throttled_ends(windows: Played) -> None:
    seen = windows.seen("throttle")
    assert seen["exit"] == 0, windows.stderr("throttle")
    assert seen["slowest"] < 1
    assert value_in(windows.folder("throttle") / "pymw_result") == sum(range(60))


@pytest.mark.fault("quit while the task is suspended")
def test_a_suspended_task_quits(windows: Played) -> None:
    assert windows.seen("quit") == {"exit": 0, "left": []}, windows.stderr("quit")


@pytest.mark.fault("suspended and resumed")
def test_suspend_and_resume_reach_the_task(windows: Played) -> None:
    seen = windows.seen("suspend")
    assert seen["obeyed"] < 1
    assert seen["silent"]
    assert 0 < seen["before"] <= seen["after"] < 1
    assert seen["exit"] == 0, windows.stderr("suspend")
    assert value_in(windows.folder("suspend") / "pymw_result") == sum(range(60))


@pytest.mark.fault("quit, and resumed from a checkpoint", "quit while the task runs")
def test_a_task_that_quit_goes_on_from_its_checkpoint(windows: Played) -> None:
    seen = windows.seen("checkpoint")
    assert seen == {"quit": 0, "finish file": "", "exit": 0}, windows.stderr("checkpoint")
    done, starts = value_in(windows.folder("checkpoint") / "pymw_result")
    assert done == sum(range(20))
    assert len(starts) == 2 and 0 == starts[0] < starts[1]


@pytest.mark.fault("aborted")
def test_an_aborted_task_ends_with_all_its_processes(windows: Played) -> None:
    assert windows.seen("abort") == {"exit": 194, "left": []}


@pytest.mark.fault("kill -9 of the launcher")
def test_no_process_outlives_a_launcher_that_is_killed(windows: Played) -> None:
    seen = windows.seen("kill launcher")
    assert len(seen["running"]) >= 2, "the worker's two processes"
    assert seen["left"] == []
