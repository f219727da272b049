"""What the tasks of the conformance suite do, and what its tests need."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

SOON = 30.0  # seconds in which what should come at once has to come, on a busy machine


def same(value: Any) -> Any:
    return value


def combine(a: int, b: int) -> tuple[int, int]:
    return a, b


def fail(reason: str) -> None:
    raise KeyError(reason)


def raise_it(kind: type[BaseException]) -> None:
    raise kind


def fail_unpicklably() -> None:
    error = ValueError("deep down")
    error.lock = threading.Lock()  # type: ignore[attr-defined]
    raise error


def returns_a_lock() -> Any:
    return [threading.Lock()]


def say(number: int) -> None:
    print(f"out {number} ä")
    print(f"err {number}", file=sys.stderr)


def die(way: str) -> None:
    print("last words", file=sys.stderr)
    if way == "exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, way))
    time.sleep(SOON)


def die_if(wanted: bool, number: int) -> int:
    if wanted:
        os._exit(1)
    return number


def wait_for(path: Path) -> str:
    end = time.monotonic() + 2 * SOON
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return "went" if path.exists() else "waited in vain"


def wait_if(path: Path, wanted: bool) -> None:
    if wanted:
        wait_for(path)


def touch(path: Path) -> None:
    path.touch()


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def moment() -> float:
    time.sleep(0.002)
    return time.time()


def announce_and_sleep(path: Path) -> None:
    path.with_suffix(".new").write_text(str(os.getpid()))
    path.with_suffix(".new").replace(path)
    time.sleep(100)


def start_a_sleeper(path: Path) -> None:
    import subprocess

    with subprocess.Popen(["sleep", "100"]) as process:
        path.write_text(str(process.pid))


def fail_times(folder: Path, times: int) -> int:
    number = len(list(folder.iterdir()))
    if number < times:
        (folder / str(number)).touch()
        raise RuntimeError("not yet")
    return number


def die_times(folder: Path, times: int) -> int:
    number = len(list(folder.iterdir()))
    if number < times:
        (folder / str(number)).touch()
        os._exit(1)
    return number


def note_down(path: Path, number: int) -> int:
    with path.open("a") as file:
        file.write(f"{number}\n")
    return number


def read_and_spoil(name: str) -> str:
    text = Path(name).read_text()
    Path(name).write_text("spoiled")
    return text


def use_helper(x: int) -> Any:
    # By a computed name: found by looking, it would be required of every worker.
    return importlib.import_module("pymw_test_helper").twice(x)


def square(x):  # type: ignore[no-untyped-def]
    return x * x


def sum_of_squares(n):  # type: ignore[no-untyped-def]
    return sum([square(i) for i in range(n + 1)])  # type: ignore[no-untyped-call]


# What the tests need.


def main_class() -> Any:
    """A class as a program's __main__ would define it."""

    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

    Point.__module__ = "__main__"
    Point.__qualname__ = "Point"
    return Point


def eventually(condition: Any) -> Any:
    """What condition returns once it is true."""
    end = time.monotonic() + SOON
    while not (found := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)
    return found


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def contents(folder: Path) -> list[str]:
    """What the files in a folder say, without those that are still being written."""
    return [path.read_text() for path in folder.iterdir() if path.suffix != ".new"]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
