"""A program with a run whose tasks volunteers do, for tests that kill it.

python -m tests.project.survivor PROJECT RUN TASKS SECONDS
"""

import os
import sys

import pymw
from pymw.interfaces.boinc import BOINCInterface


def square_after(x, seconds):  # type: ignore[no-untyped-def]
    """Return the square, after so many seconds."""
    import time

    time.sleep(seconds)
    return x * x


def main() -> None:
    """Square the first numbers; every other one takes so many seconds."""
    project, run, tasks, seconds = sys.argv[1:]
    settled: list[object] = []
    with pymw.Master(BOINCInterface(project), run=run + os.sep, portable=True) as master:
        futures = [master.submit(square_after, x, int(seconds) * (x % 2)) for x in range(int(tasks))]
        for future in futures:
            future.add_done_callback(settled.append)
        values = [future.result(180) for future in futures]
    assert len(settled) == len(futures)
    print(values)


if __name__ == "__main__":
    main()
