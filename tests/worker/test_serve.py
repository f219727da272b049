"""The worker that stays: one task after another, each as if it were the only one."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pymw_worker import words

from tests.bench.fake_client import wait_for
from tests.worker.job import COUNT, RETURN, alive, processes_in
from tests.worker.service import Run, Serve

# Ends only by SIGKILL, and so do a child in its group and one that has left it.
STUBBORN = """
import os, signal, time
def task():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
    os.fork()
    time.sleep(0.2)
    open("../pids", "a").write("%d\\n" % os.getpid())
    time.sleep(60)
"""


def pids(run: Run, count: int) -> list[int]:
    """The processes of STUBBORN, once all of them are there."""
    path = run.slot / "pids"
    wait_for(lambda: path.exists() and len(path.read_text().split()) == count, 30, "the task's processes")
    return [int(word) for word in path.read_text().split()]


def test_many_tasks_give_their_own_values_and_output(serve: Serve) -> None:
    service = serve()
    assert service.ready.startswith("ready 3.")
    source = (
        "import sys\nseen = []\n"
        "def task(n):\n"
        "    seen.append(n)\n"
        "    print('out %d' % n)\n"
        "    sys.stderr.write('err %d\\n' % n)\n"
        "    return n * n, seen\n"
    )
    for number in range(20):
        run = service.run(source, number)
        assert run.value() == (number * number, [number])
        assert (run.log().stdout, run.log().stderr) == (b"out %d\n" % number, b"err %d\n" % number)
        names = sorted(path.name for path in run.slot.iterdir())
        assert names == ["pymw_arguments", "pymw_bundle", "pymw_log", "pymw_result"]
    assert service.leave() == 0
    assert service.stderr() == ""


@pytest.mark.parametrize(
    "end, words_of_it",
    [
        ("os._exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), 9)", "SIGKILL"),
        ("__import__('ctypes').string_at(0)", "SIGSEGV"),
    ],
)
def test_the_crash_of_one_task_leaves_the_next_one_fine(serve: Serve, end: str, words_of_it: str) -> None:
    service = serve()
    crashed = service.submit(f"import os\ndef task():\n    {end}\n")
    assert service.answer() == "done 195"
    assert crashed.outcome().status == "died" and words_of_it in crashed.outcome().message
    assert service.run(RETURN, 7).value() == (7,)


def test_cancel_ends_the_whole_tree_and_the_next_task_runs(serve: Serve) -> None:
    service = serve()
    run = service.submit(STUBBORN)
    victims = pids(run, 4)
    service.say("cancel")
    assert service.answer(20) == "cancelled"
    assert not [pid for pid in victims if alive(pid)]
    assert not (run.slot / "pymw_result").exists()
    assert service.run(RETURN, 1).value() == (1,)


def test_a_cancelled_task_that_obeys_sigterm_costs_no_grace(serve: Serve) -> None:
    service = serve()
    run = service.submit(COUNT)
    wait_for((run.slot / "count").exists, 30, "the task")
    started = time.monotonic()
    service.say("cancel")
    assert service.answer() == "cancelled"
    assert time.monotonic() - started < 0.7


def test_waiting_costs_no_cpu_time(serve: Serve) -> None:
    def ticks() -> int:
        fields = Path(f"/proc/{service.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])  # in hundredths of a second

    service = serve()
    service.run(RETURN)
    before = ticks()
    time.sleep(1)
    assert ticks() - before <= 2, "idle"
    service.submit("import time\ndef task():\n    time.sleep(60)\n")
    before = ticks()
    time.sleep(1)
    assert ticks() - before <= 10, "while a task runs"


def test_a_cancel_that_comes_too_late_is_ignored(serve: Serve) -> None:
    service = serve()
    service.say("cancel")
    assert service.run(RETURN, 1).value() == (1,)
    service.say("cancel")
    service.say("cancel")
    assert service.run(RETURN, 2).value() == (2,)
    assert service.leave() == 0


def test_the_end_of_stdin_ends_worker_and_tree(serve: Serve) -> None:
    service = serve()
    victims = pids(service.submit(STUBBORN), 4)
    assert len(processes_in(service.folder)) == 6, "the worker, its guard and the tree"
    started = time.monotonic()
    assert service.leave() == 0
    assert time.monotonic() - started < 5
    assert not [pid for pid in victims if alive(pid)]


def test_kill_9_of_the_worker_ends_the_tree(serve: Serve) -> None:
    service = serve()
    service.run(RETURN)  # the guard has another task behind it
    victims = pids(service.submit(STUBBORN), 4)
    time.sleep(2.5)  # now the worker has seen those that have left the group
    service.process.kill()
    wait_for(lambda: not [pid for pid in victims if alive(pid)], 2, "the tree to end")
    wait_for(lambda: not processes_in(service.folder), 5, "the tree to end")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("busy", [False, True])
def test_a_signal_ends_task_and_worker(serve: Serve, number: int, code: int, busy: bool) -> None:
    service = serve()
    service.run(RETURN)
    victims = pids(service.submit(STUBBORN), 4) if busy else []
    service.process.send_signal(number)
    assert service.process.wait(20) == code
    assert not [pid for pid in victims if alive(pid)]


def test_output_beyond_any_pipe_is_kept_while_the_task_runs(serve: Serve) -> None:
    run = serve().run(
        "import sys\ndef task():\n    sys.stdout.write('x' * 3000000)\n    sys.stderr.write('e' * 300000)\n"
    )
    assert (len(run.log().stdout), run.log().facts["stdout-cut"]) == (1 << 20, str(3000000 - (1 << 20)))
    assert len(run.log().stderr) == 300000


@pytest.mark.fault("letters that are not ASCII in paths", "spaces in paths")
@pytest.mark.parametrize(
    "name", ["with space", "per%20cent%", "ünï — 数", "line\nend", "tab\tand +", "a=b&c"]
)
def test_any_path_can_be_named(serve: Serve, name: str) -> None:
    service = serve()
    (service.folder / f"in {name}").write_text("inside")
    options = (
        "--data",
        f"table=../in {name}",
        "--result",
        f"out {name}",
        "--log",
        str(service.folder / name),
    )
    run = service.run("def task():\n    return open('table').read()\n", slot=f"slot {name}", options=options)
    (run.slot / f"out {name}").rename(run.slot / "pymw_result")
    assert run.value() == "inside"
    assert (service.folder / name).exists()


def test_escaped_words_come_back_the_same() -> None:
    for word in ("", "%", "%41", "a b\r\n", "é", "\udcff", "/plain/path-1_2.txt"):
        assert words.unescape(words.escape(word)) == word
        assert " " not in words.escape(word) and words.escape(word).isprintable()
    for wrong in ("%", "%4", "%zz", "a%"):
        with pytest.raises(ValueError):
            words.unescape(wrong)


@pytest.mark.parametrize(
    "line", ["walk", "run", "run /x --no-such", "run /x stray", "run %zz", "", "cancel it"]
)
def test_what_is_not_understood_is_one_sentence_and_status_2(serve: Serve, line: str) -> None:
    service = serve()
    service.say(line)
    assert service.process.wait(20) == 2
    assert len(service.stderr().splitlines()) == 1, service.stderr()


def test_a_second_run_while_one_runs_is_not_understood(serve: Serve) -> None:
    service = serve()
    victims = pids(service.submit(STUBBORN), 4)
    service.submit(RETURN)
    assert service.process.wait(20) == 2
    assert not [pid for pid in victims if alive(pid)]


def test_a_run_that_could_not_be_done_says_why_and_the_next_one_runs(serve: Serve) -> None:
    service = serve()
    service.ask(Run(service.folder / "no such slot"))
    answer = service.answer()
    assert answer.startswith("failed ") and "No such file" in words.unescape(answer.split(" ")[1])
    assert service.run(RETURN, 1).value() == (1,)


def test_progress_is_in_the_slot_while_the_task_runs(serve: Serve) -> None:
    service = serve()
    run = service.submit(
        "import pymw_worker, time\ndef task():\n    pymw_worker.progress(0.25)\n    time.sleep(60)\n"
    )
    path = run.slot / "pymw_progress"
    wait_for(lambda: path.exists() and path.read_text() == "0.250000\n", 30, "progress")
    service.say("cancel")
    assert service.answer() == "cancelled"


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.12", "3.13"])
def test_it_serves_under_python(serve: Serve, find_python: Callable[[str], Path], version: str) -> None:
    service = serve(python=str(find_python(version)))
    assert service.ready.startswith(f"ready {version}.")
    source = "import random\ndef task(n):\n    print('é')\n    return n, random.random()\n"
    found = [service.run("# coding: utf-8\n" + source, number).value() for number in range(5)]
    assert [value[0] for value in found] == list(range(5)) and len({value[1] for value in found}) == 5
    victims = pids(service.submit(STUBBORN), 4)
    service.say("cancel")
    assert service.answer(20) == "cancelled"
    assert not [pid for pid in victims if alive(pid)]
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(20) == 143
    assert "Warning" not in service.stderr()
