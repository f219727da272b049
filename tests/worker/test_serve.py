"""The worker that stays: one task after another, each as if it were the only one."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import pytest
from pymw_worker import words

from tests.bench.fake_client import wait_for
from tests.worker.job import COUNT, RETURN, Jobs, alive, processes_in
from tests.worker.service import MARK, Run, Service

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

# What a function can see of the process that it runs in.
PROBE = """
import json, os, signal, sys, threading
def task(*args):
    main = sys.modules["__main__"]
    slot = os.environ["PYMW_SLOT"]
    variables = dict((name, value.replace(slot, "SLOT")) for name, value in os.environ.items())
    handlers = {}
    for number in range(1, 32):
        handlers[number] = str(signal.getsignal(number)).split(" at ")[0]
    descriptors = [fd for fd in range(64) if exists(fd)]
    streams = []
    for name in ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"):
        stream = getattr(sys, name)
        streams.append([name, stream.fileno(), stream.encoding, getattr(stream, "errors", None), stream.mode])
    return json.dumps({
        "args": args, "argv": [word.replace(slot, "SLOT") for word in sys.argv],
        "path": [entry.replace(slot, "SLOT") for entry in sys.path],
        "main": sorted(name for name in vars(main) if name != "__builtins__"), "name": __name__,
        "file": main.__file__.replace(slot, "SLOT"), "folder": os.getcwd().replace(slot, "SLOT"),
        "variables": variables, "handlers": handlers, "descriptors": descriptors, "streams": streams,
        "input": sys.stdin.read(), "hash": hash("pymw"), "flags": str(sys.flags),
        "leader": os.getpid() == os.getsid(0) == os.getpgid(0),
        "threads": [thread.name for thread in threading.enumerate()], "umask": os.umask(18),
        "tempdir": __import__("tempfile").gettempdir().replace(slot, "SLOT"),
        "executable": sys.executable, "trace": sys.gettrace() is None, "limit": sys.getrecursionlimit(),
    }, sort_keys=True)
def exists(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False
"""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    made: list[Service] = []

    def start(*args: object, **options: object) -> Service:
        made.append(Service(tmp_path / f"sérve {len(made)}", *args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for service in made:
        service.close()
        wait_for(lambda: not processes_in(service.folder), 30, "all processes to be gone")  # noqa: B023


Serve = Callable[..., Service]


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


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.11", "3.13"])
def test_a_forked_task_sees_what_one_by_itself_sees(
    serve: Serve, jobs: Jobs, find_python: Callable[[str], Path], version: str
) -> None:
    python = str(find_python(version))
    job = jobs(PROBE, 1, "x", client=False, python=python)
    assert job.run() == 0
    service = serve(python=python)
    service.run(RETURN)
    forked, alone = (json.loads(found) for found in (service.run(PROBE, 1, "x").value(), job.value()))
    assert forked["variables"].pop(MARK)
    for name in ("COLUMNS", "LINES"):  # GNU readline sets them behind this process's back
        for found in (forked, alone):
            found["variables"].pop(name, None)
    assert forked == alone
    assert (
        alone["descriptors"] == [0, 1, 2] and alone["leader"] and alone["variables"]["PYTHONHASHSEED"] == "0"
    )


def test_the_master_s_own_python_variables_do_not_matter(serve: Serve) -> None:
    source = (
        "import os\ndef task():\n    return hash('pymw'), sorted(n for n in os.environ if 'PYTHON' in n)\n"
    )
    found = [
        serve(variables={"PYTHONHASHSEED": seed, "PYTHONPATH": "/nowhere"}).run(source).value()
        for seed in ("1", "random")
    ]
    assert found[0] == found[1]
    assert found[0][1] == ["PYTHONHASHSEED", "PYTHONIOENCODING"]


def test_a_module_of_the_task_comes_before_one_that_only_the_worker_uses(serve: Serve) -> None:
    service = serve()
    (service.folder / "optparse.py").write_text("MINE = True\n")
    option = ("--data", f"optparse.py={service.folder / 'optparse.py'}")
    source = "def task():\n    import optparse\n    return optparse.MINE\n"
    assert service.run(source, options=option).value() is True


def test_tasks_draw_their_own_random_numbers(serve: Serve) -> None:
    service = serve()
    source = "import random\ndef task():\n    return random.random()\n"
    assert service.run(source).value() != service.run(source).value()


def test_nothing_of_a_task_reaches_the_protocol(serve: Serve) -> None:
    service = serve()
    source = (
        "import os, sys\ndef task():\n"
        "    for descriptor in range(256):\n"
        "        try: os.write(descriptor, b'done 5\\n')\n"
        "        except OSError: pass\n"
        "    return sys.stdin.read()\n"
    )
    run = service.run(source)
    assert run.value() == "" and b"done 5" in run.log().stdout
    assert service.leave() == 0


def test_output_beyond_any_pipe_is_kept_while_the_task_runs(serve: Serve) -> None:
    run = serve().run(
        "import sys\ndef task():\n    sys.stdout.write('x' * 3000000)\n    sys.stderr.write('e' * 300000)\n"
    )
    assert (len(run.log().stdout), run.log().facts["stdout-cut"]) == (1 << 20, str(3000000 - (1 << 20)))
    assert len(run.log().stderr) == 300000


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


def test_pickled_functions_find_cloudpickle_imported_already(serve: Serve) -> None:
    def task(x: int) -> tuple[int, float]:
        return x + 1, time.process_time()

    service = serve()
    for number in range(3):
        value, cpu = service.run(cloudpickle.dumps(task), number).value()
        assert value == number + 1
        assert cpu < 0.05, "a process starts with no CPU time, and to import takes some"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_works(serve: Serve, method: str) -> None:
    source = (
        "import multiprocessing\n"
        "def square(x): return x * x\n"
        "def task(method):\n"
        "    with multiprocessing.get_context(method).Pool(2) as pool: return pool.map(square, [1, 2, 3])\n"
    )
    assert serve().run(source, method).value() == [1, 4, 9]


def test_it_needs_no_cloudpickle_for_source(serve: Serve, find_python: Callable[[str], Path]) -> None:
    service = serve(python=str(find_python("3.6")))
    run = service.run("import sys\ndef task():\n    return 'cloudpickle' in sys.modules\n")
    assert run.value() is False


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
