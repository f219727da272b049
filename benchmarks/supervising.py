"""What watching over a task costs: the CPU time of the worker's own process while a task runs.

    python -m benchmarks.supervising [--seconds S] [--python PATH …]

The goal: at most 0.5 % of one core. A client is played (tests/bench/fake_client.py), which beats every second
and reads the reports. Start and end are left out.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.worker.job import Job

GOAL = 0.5
SETTLED = 3.0  # seconds after the start
TASKS = {
    "sleeps": "import time\ndef task(seconds):\n    time.sleep(seconds)\n",
    "computes": "import time\ndef task(seconds):\n    end = time.time() + seconds\n"
    "    while time.time() < end:\n        sum(range(10000))\n",
    "prints, saves and reports": "import time, pymw_worker\nfrom pymw_worker import checkpoint\n"
    "def task(seconds):\n    for step in range(int(10 * seconds)):\n        time.sleep(0.1)\n"
    "        print(step)\n        pymw_worker.progress(step / (10.0 * seconds))\n"
    "        if step % 100 == 0:\n            checkpoint.save(step)\n",
}


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process, all its threads together, without its children's."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def share(python: str, source: str, seconds: float) -> float:
    """How much of one core the worker's process takes while a task runs, in per cent."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder), source, 2 * SETTLED + seconds, python=python)
        try:
            process = job.start()
            assert job.client is not None
            begin = time.monotonic() + SETTLED
            cpu = 0.0
            while (now := time.monotonic()) < begin + seconds:
                if now >= begin and not cpu:
                    cpu, began = cpu_seconds(process.pid), now
                job.client.heartbeat()
                job.client.receive()
                time.sleep(1)
            used, took = cpu_seconds(process.pid) - cpu, time.monotonic() - began
            assert job.wait() == 0, job.stderr()
        finally:
            job.close()
    return 100 * used / took


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="of each task (60)")
    parser.add_argument("--python", nargs="+", default=[sys.executable], metavar="PATH", help="of workers")
    options = parser.parse_args()
    table = Table(title=f"{options.seconds:g} s each, per cent of one core; the goal: {GOAL}", box=None)
    table.add_column("the task")
    for python in options.python:
        table.add_column(python, justify="right")
    for name, source in TASKS.items():
        table.add_row(name, *(f"{share(python, source, options.seconds):.3f}" for python in options.python))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
