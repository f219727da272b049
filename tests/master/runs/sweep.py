"""A program with a run, for tests that kill it: python -m tests.master.runs.sweep RUN JOURNAL TASKS KIND."""

import os
import sys
import time

import pymw
from pymw.interfaces import choose

from tests.master.runs.threads import Threads


def square(x: int, journal: str) -> int:
    """Each call leaves a line, in one write that no kill can tear."""
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, b"%d\n" % x)
    os.close(file)
    time.sleep(0.002 * (x % 3))
    return x * x


def main() -> None:
    run, journal, tasks, kind = sys.argv[1:]
    settled: list[object] = []
    interface = Threads(4, 3) if kind == "threads" else choose.named(kind, 2)
    with pymw.Master(interface, run=run + os.sep) as master:
        futures = [master.submit(square, x, journal) for x in range(int(tasks))]
        for future in futures:
            future.add_done_callback(settled.append)
        values = [future.result() for future in futures]
    assert len(settled) == len(futures)
    assert values == [x * x for x in range(int(tasks))]
    print("all well")


if __name__ == "__main__":
    main()
