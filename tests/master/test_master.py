"""The master: what it promises whatever the interface."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pymw
import pytest
from pymw import ending
from pymw.ending import Ending
from pymw.interfaces.base import Task

from tests.master.inline import Inline


def add(a: int, b: int = 10) -> int:
    return a + b


def fail(word: str) -> None:
    raise LookupError(word)


def test_submit_calls_the_function_with_its_arguments() -> None:
    with pymw.Master(Inline()) as master:
        assert master.submit(add, 1).result() == 11
        assert master.submit(add, 1, b=2).result() == 3


def test_an_exception_keeps_its_type_and_brings_the_remote_traceback() -> None:
    with pymw.Master(Inline()) as master:
        with pytest.raises(LookupError, match="lost") as caught:
            master.submit(fail, "lost").result()
        assert "a traceback of the worker" in str(caught.value.__cause__)


def test_the_end_of_the_block_waits_for_all_tasks_and_closes_the_interface() -> None:
    interface = Inline(hold=True)
    with pymw.Master(interface) as master:
        future = master.submit(add, 1)
        threading.Timer(0.05, interface.go).start()
    assert future.done() and future.result() == 11
    assert interface.closed == 1
    with pytest.raises(RuntimeError, match="closed"):
        master.submit(add, 1)


def test_an_exception_in_the_block_stops_all_tasks() -> None:
    interface = Inline(room=1, hold=True)
    with pytest.raises(ZeroDivisionError), pymw.Master(interface) as master:
        futures = [master.submit(add, number) for number in range(5)]
        raise ZeroDivisionError
    assert all(future.cancelled() for future in futures)
    assert interface.closed == 1


def test_higher_priorities_go_first_and_equal_ones_in_order() -> None:
    interface = Inline(room=1, hold=True)
    with pymw.Master(interface) as master:
        master.submit(add, 0)  # takes the room, so that the others queue
        _until(lambda: len(interface.held) == 1)
        for priority, number in ((0, 1), (5, 2), (-1, 3), (5, 4), (0, 5)):
            master.options(priority=priority).submit(add, number)
        while master.status()["waiting"] or interface.held:
            interface.go()
    assert [args[0] for args in interface.began] == [0, 2, 4, 1, 5, 3]


def test_a_task_that_fails_is_tried_again_as_often_as_retries_says() -> None:
    calls: list[int] = []

    def flaky(successes_after: int) -> int:
        calls.append(1)
        if len(calls) <= successes_after:
            raise OSError("not yet")
        return len(calls)

    with pymw.Master(Inline(), retries=2) as master:
        assert master.submit(flaky, 2).result() == 3
        calls.clear()
        with pytest.raises(OSError, match="not yet"):
            master.submit(flaky, 9).result()
        assert len(calls) == 3


def test_a_task_that_runs_longer_than_its_timeout_is_stopped_and_says_so() -> None:
    interface = Inline(hold=True)
    with pymw.Master(interface) as master:
        future = master.options(timeout=0.05).submit(add, 1)
        with pytest.raises(pymw.TimeLimitExceeded, match=r"limit of 0\.05 s"):
            future.result(30)
        assert interface.cancelled == [future]


def test_a_timeout_counts_each_attempt_by_itself() -> None:
    interface = Inline(hold=True)
    with pymw.Master(interface, timeout=0.2, retries=1) as master:
        future = master.submit(add, 1)
        _until(lambda: future.attempts == 2)
        interface.go()
        assert future.result(30) == 11


def test_cancel_reaches_waiting_and_running_tasks() -> None:
    interface = Inline(room=1, hold=True)
    with pymw.Master(interface) as master:
        running, waiting, other = (master.submit(add, number) for number in range(3))
        _until(running.running)
        assert waiting.cancel() and running.cancel()
        assert interface.cancelled == [running]
        _until(lambda: interface.held == [other])  # the one that was cancelled while it waited never started
        interface.go()
        assert other.result(30) == 12
        assert master.status()["cancelled"] == 2


def test_map_gives_values_in_order_and_raises_in_place() -> None:
    for width in (0, 2):
        with pymw.Master(Inline(chunk_width=width)) as master:
            assert list(master.map(add, range(1000), range(1000))) == list(range(0, 2000, 2))
            assert list(master.map(add, [], [])) == []
            values = master.map(lambda number: 1 // (number - 500), range(1000))
            got = []
            with pytest.raises(ZeroDivisionError):
                for value in values:
                    got.append(value)
            assert len(got) == 500


def test_map_with_a_chunksize_makes_that_many_calls_a_task() -> None:
    with pymw.Master(Inline(chunk_width=2)) as master:
        assert list(master.map(add, range(10), chunksize=3)) == list(range(10, 20))
        assert master.status()["submitted"] == 4
        with pytest.raises(ValueError, match="chunksize"):
            master.map(add, [1], chunksize=0)


def test_leaving_a_map_early_cancels_what_is_left() -> None:
    interface = Inline(room=2, hold=True)
    with pymw.Master(interface) as master:
        values = master.map(add, range(100))
        threading.Timer(0.05, interface.go).start()
        assert next(values) == 10
        values.close()  # type: ignore[attr-defined]
        assert master.status()["cancelled"] >= 98


def test_map_s_timeout_is_for_the_values() -> None:
    with pymw.Master(Inline(hold=True)) as master:
        with pytest.raises(TimeoutError):
            list(master.map(add, [1], timeout=0.02))
        master.cancel()


def test_options_that_there_are_not_are_named() -> None:
    with pytest.raises(TypeError, match="no option tiemout"):
        pymw.Master(Inline(), tiemout=3)
    with pymw.Master(Inline()) as master, pytest.raises(ValueError, match="retries"):
        master.options(retries=-1)


def test_an_interface_that_fails_to_start_tasks_fails_them_alone() -> None:
    class Broken(Inline):
        def start(self, tasks: list[Task]) -> None:
            raise ConnectionError("no route")

    with pymw.Master(Broken()) as master, pytest.raises(ConnectionError, match="no route"):
        master.submit(add, 1).result(30)


def test_an_end_that_is_reported_twice_counts_once() -> None:
    class Twice(Inline):
        def go(self) -> None:
            held = list(self.held)
            super().go()
            self.listener.ended([(task, Ending(ending.DIED, message="again")) for task in held])

    interface = Twice(hold=True)
    with pymw.Master(interface) as master:
        future = master.submit(add, 1)
        _until(future.running)
        interface.go()
        assert future.result(30) == 11
        assert master.status()["finished"] == 1 and master.status()["failed"] == 0


@pytest.mark.parametrize(
    ("end", "error", "words"),
    [
        (Ending(ending.DIED, message="killed by signal 9"), pymw.WorkerDied, "stderr"),
        (Ending(ending.MEMORY, message="no memory"), pymw.OutOfMemory, "less to do"),
        (Ending(ending.LOST, message="nothing came"), pymw.ResultLost, "retries=1"),
        (Ending(ending.UNRETURNABLE, message="a lock"), pymw.ValueLost, "plain data"),
        (
            Ending(ending.UNLOADABLE, type="python", message="needs 3.9"),
            pymw.VersionMismatch,
            "portable=True",
        ),
        (Ending(ending.UNLOADABLE, type="module", message="no numpy"), pymw.ModuleMissing, "install it"),
        (Ending(ending.UNLOADABLE, message="damaged"), pymw.LoadError, "damaged"),
        (Ending(ending.VALUE, b"no pickle"), pymw.ResultLost, "cannot be read"),
    ],
)
def test_each_kind_of_failure_is_an_error_of_its_own_that_says_what_to_do(
    end: Ending, error: type[pymw.TaskError], words: str
) -> None:
    class Failing(Inline):
        def start(self, tasks: list[Task]) -> None:
            self.listener.ended([(task, end) for task in tasks])

    with pymw.Master(Failing()) as master, pytest.raises(error) as caught:
        master.submit(add, 1).result(30)
    assert words in str(caught.value) and end.message in str(caught.value)


def test_a_scheduler_function_gets_lists_and_chooses() -> None:
    seen: list[Any] = []

    def last_first(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
        seen.append((len(tasks), list(workers)))
        return tasks[-1], workers[0]

    class Matched(pymw.Master):
        def _make_dispatcher(self, match: Any) -> Any:
            return super()._make_dispatcher(last_first)

    interface = Inline(room=1, hold=True)
    with Matched(interface) as master:
        master.submit(add, 0)
        _until(lambda: len(interface.held) == 1)
        for number in range(1, 4):
            master.submit(add, number)
        while master.status()["waiting"] or interface.held:
            interface.go()
    assert [args[0] for args in interface.began] == [0, 3, 2, 1]
    assert (3, [None]) in seen


def test_an_executor_takes_the_place_of_a_process_pool() -> None:
    with pymw.Executor(interface=Inline()) as executor:
        assert list(executor.map(pow, [2, 3], [2, 2])) == [4, 9]
        assert executor.submit(pow, 2, 5).result() == 32
    with pytest.raises(ValueError, match="max_workers"):
        pymw.Executor(max_workers=0)


def test_ctrl_c_stops_a_program_and_its_workers(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
            import os, time, pymw
            def task():
                with open("pid.tmp", "w") as out:
                    out.write(str(os.getpid()))
                os.rename("pid.tmp", os.environ["MARK"])
                time.sleep(100)
            if __name__ == "__main__":
                with pymw.Master("generic") as master:
                    master.submit(task).result()
        """)
    )
    mark = tmp_path / "pid"
    with subprocess.Popen(
        [sys.executable, program], env={"MARK": str(mark), "PATH": ""}, stderr=subprocess.PIPE, text=True
    ) as process:
        _until(mark.exists)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    _until(lambda: not Path(f"/proc/{mark.read_text()}").exists())


def test_a_shutdown_that_does_not_wait_lets_the_tasks_finish_before_the_program_ends(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
            import sys, time, pymw
            def task(path):
                time.sleep(0.5)
                open(path, "w").close()
            if __name__ == "__main__":
                master = pymw.Executor(2)
                master.submit(task, sys.argv[1])
                master.shutdown(wait=False)
                try:
                    master.submit(task, sys.argv[1])
                except RuntimeError:
                    print("closed")
        """)
    )
    done = subprocess.run(
        [sys.executable, program, tmp_path / "mark"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("closed\n", "")
    assert (tmp_path / "mark").exists()


def test_chunks_of_a_function_in_a_module_of_one_s_own_run_in_the_worker(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def twice(x):\n    return 2 * x\n")
    (tmp_path / "program.py").write_text(
        "import own, pymw\n"
        "with pymw.Master('generic') as master:\n"
        "    print(list(master.map(own.twice, range(5), chunksize=2)))\n"
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "[0, 2, 4, 6, 8]\n", done.stderr


def test_many_waiting_tasks_can_be_cancelled() -> None:
    interface = Inline(room=0)
    master = pymw.Master(interface)
    for number in range(50_000):
        master.submit(add, number)
    assert master.status()["waiting"] == 50_000
    master.shutdown(cancel_futures=True)
    assert master.status()["cancelled"] == 50_000


def _until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)
