"""What a task costs on the generic interface, beside starting a bare Python, in one run.

    python benchmarks/generic_tasks.py [--tasks N]

The goal: a task that does nothing takes at most 1.5 times as long as `python -c pass`. Medians of single
tasks, in turns with the bare Python, so that both meet the same disturbances.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import pymw
from pymw.interfaces.generic import GenericInterface
from rich.console import Console
from rich.table import Table


def nothing() -> None:
    """A task that does nothing."""


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=200, metavar="N", help="tasks, and bare Pythons (200)")
    number = parser.parse_args().tasks
    bare, tasks = [], []
    with pymw.Master(GenericInterface(num_workers=1)) as master:
        first = seconds(lambda: master.submit(nothing).result())
        for _ in range(number):
            bare.append(seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)))
            tasks.append(seconds(lambda: master.submit(nothing).result()))
    table = Table(title=f"medians of {number}, one at a time")
    for column in ("what", "ms", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    base = statistics.median(bare)
    for what, value in (
        ("python -c pass", base),
        ("a task that does nothing", statistics.median(tasks)),
        ("the first task, which starts the worker", first),
    ):
        table.add_row(what, f"{1000 * value:.2f}", f"{value / base:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
