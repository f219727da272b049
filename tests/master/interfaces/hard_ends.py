"""What every interface promises about tasks that die, are cancelled, take too long, or are tried again."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from pathlib import Path

import pymw
import pytest
from pymw import errors

from tests.master.interfaces.tasks import (
    SOON,
    announce_and_sleep,
    die,
    die_if,
    die_times,
    eventually,
    fail_times,
    is_alive,
    nap,
    read,
    same,
    start_a_sleeper,
    touch,
    wait_for,
)


class HardEnds:
    """A part of Conformance."""

    survives_death = True  # a task's process that dies takes no other task with it, and is replaced
    stops_tasks = True  # running tasks can be stopped
    own_streams = True  # each task's stdout and stderr are kept
    returns_code = True  # values may be functions of the program
    many = 300  # tasks that are done within a few seconds

    def needs(self, *flags: str) -> None:
        """Skip a test if the interface does not promise what it is about."""
        for flag in flags:
            if not getattr(self, flag):
                pytest.skip(f"this interface does not promise it: {flag}")

    # Death.

    @pytest.mark.parametrize(
        ("way", "word"),
        [("exit", "exit status 3"), ("SIGKILL", "SIGKILL"), ("SIGSEGV", "SIGSEGV"), ("SIGABRT", "SIGABRT")],
    )
    def test_a_task_that_kills_its_process_fails_alone(
        self, master: pymw.Master, way: str, word: str
    ) -> None:
        self.needs("survives_death")
        before = [master.submit(same, number) for number in range(self.many // 3)]
        bad = master.submit(die, way)
        after = [master.submit(same, number) for number in range(self.many // 3)]
        error = bad.exception(SOON)
        assert isinstance(error, errors.WorkerDied)
        assert word in str(error)
        assert [future.result(SOON) for future in before + after] == [*range(self.many // 3)] * 2

    def test_many_deaths_are_survived(self, master: pymw.Master) -> None:
        self.needs("survives_death")
        count = min(60, self.many)
        futures = [master.submit(die_if, number % 10 == 0, number) for number in range(count)]
        for number, future in enumerate(futures):
            if number % 10 == 0:
                assert isinstance(future.exception(SOON), errors.WorkerDied)
            else:
                assert future.result(SOON) == number

    def test_the_last_words_of_a_task_that_died_are_kept(self, master: pymw.Master) -> None:
        self.needs("survives_death", "own_streams")
        future = master.submit(die, "exit")
        future.exception(SOON)
        assert "last words" in future.stderr

    # Stopping.

    def test_a_waiting_task_is_cancelled_and_never_runs(self, narrow: pymw.Master, tmp_path: Path) -> None:
        blocker = narrow.submit(wait_for, tmp_path / "go")
        waiting = [narrow.submit(touch, tmp_path / str(number)) for number in range(5)]
        for future in waiting:
            assert future.cancel()
        with pytest.raises(CancelledError):
            waiting[0].result(SOON)
        (tmp_path / "go").touch()
        assert blocker.result(SOON) == "went"
        assert narrow.submit(same, 1).result(SOON) == 1
        ran = {path.name for path in tmp_path.iterdir()} - {"go"}
        # What stops no task cannot take back the one that its engine has fetched in advance either.
        assert len(ran) <= (0 if self.stops_tasks else 1)

    def test_a_running_task_is_cancelled_and_its_process_is_gone(
        self, narrow: pymw.Master, tmp_path: Path
    ) -> None:
        self.needs("stops_tasks")
        running = narrow.submit(announce_and_sleep, tmp_path / "pid")
        pid = int(eventually(lambda: read(tmp_path / "pid")))
        others = [narrow.submit(same, number) for number in range(10)]
        assert running.cancel()
        assert [future.result(SOON) for future in others] == list(range(10))
        eventually(lambda: not is_alive(pid))

    def test_a_cancelled_task_s_own_processes_are_gone_too(self, narrow: pymw.Master, tmp_path: Path) -> None:
        self.needs("stops_tasks")
        running = narrow.submit(start_a_sleeper, tmp_path / "pid")
        pid = int(eventually(lambda: read(tmp_path / "pid")))
        running.cancel()
        eventually(lambda: not is_alive(pid))

    def test_a_time_limit_ends_a_task(self, master: pymw.Master, tmp_path: Path) -> None:
        self.needs("stops_tasks")
        master.submit(same, 1).result(SOON)
        started = time.monotonic()
        late = master.options(timeout=0.5).submit(announce_and_sleep, tmp_path / "pid")
        error = late.exception(SOON)
        assert isinstance(error, errors.TimeLimitExceeded)
        assert 0.4 <= time.monotonic() - started < 5
        pid = int(read(tmp_path / "pid"))
        eventually(lambda: not is_alive(pid))
        assert master.submit(same, 1).result(SOON) == 1

    def test_waiting_does_not_count_towards_a_time_limit(self, narrow: pymw.Master) -> None:
        self.needs("stops_tasks")
        futures = [narrow.options(timeout=1.5).submit(nap, 0.4) for _ in range(6)]
        assert [future.result(SOON) for future in futures] == [0.4] * 6

    def test_a_failed_task_is_tried_again(self, master: pymw.Master, tmp_path: Path) -> None:
        future = master.options(retries=3).submit(fail_times, tmp_path, 2)
        assert future.result(SOON) == 2
        assert future.attempts == 3

    def test_a_task_whose_process_died_is_tried_again(self, master: pymw.Master, tmp_path: Path) -> None:
        self.needs("survives_death")
        assert master.options(retries=2).submit(die_times, tmp_path, 1).result(SOON) == 1
