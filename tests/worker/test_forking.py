"""A task that is forked from a worker that stays is as one in a process started for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import pytest

from tests.worker.job import RETURN, Jobs
from tests.worker.service import MARK, Serve

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
