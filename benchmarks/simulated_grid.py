"""How long simulations take, with and without a scheduler function: python benchmarks/simulated_grid.py

1,000 workers that are away a third of the time. Figures include the submission of all tasks.
"""

import argparse
import random
import resource
import time
from collections.abc import Callable
from typing import Any

import pymw
from pymw.dispatcher import Dispatcher, Match
from pymw.interfaces.grid_simulator import GridSimulatorInterface, SimWorker
from rich.console import Console
from rich.table import Table

WORKERS = 1000


class MatchingMaster(pymw.Master):
    """A master with a scheduler function, by the shortest way."""

    match: Match | None = None

    def _make_dispatcher(self, match: Match | None) -> Dispatcher:
        return Dispatcher(self._interface, self.match)


def first_come_first_served(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
    """The cheapest of all policies, so that what it costs is the machinery."""
    return tasks[0], workers[0]


def from_the_middle(tasks: list[Any], workers: list[Any]) -> tuple[Any, Any]:
    """The worst for a queue."""
    return tasks[len(tasks) // 2], workers[len(workers) // 2]


def estimate(worker: SimWorker) -> float:
    """Return the CPU seconds of a task."""
    return 100.0


def simulate(tasks: int, match: Match | None, **options: Any) -> tuple[float, float, dict[str, Any]]:
    """Return the seconds and the processor's seconds that a simulation took, and its status."""
    generator = random.Random(1)
    grid = GridSimulatorInterface(**options)
    speeds = [generator.uniform(1, 4) for _ in range(WORKERS)]
    grid.generate_workers(
        WORKERS, speeds.__getitem__, lambda number: ([100 + number, 50 + number / 2], [1, 0])
    )
    function: Callable[..., Any] = estimate
    began, used = time.perf_counter(), time.process_time()
    master = MatchingMaster.__new__(MatchingMaster)
    master.match = match
    master.__init__(grid, retries=100)  # type: ignore[misc]
    with master:
        if match is None:
            futures = [master.submit(function) for _ in range(tasks)]
        else:
            with grid.hold():
                futures = [master.submit(function) for _ in range(tasks)]
        master.wait()
        took, used = time.perf_counter() - began, time.process_time() - used
        assert all(future.done() for future in futures)
    return took, used, grid.get_status()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-t", "--tasks", type=int, default=1_000_000, help="tasks without a scheduler function"
    )
    most = parser.parse_args().tasks
    few = max(1, most // 100)
    cases: list[tuple[str, int, Match | None, dict[str, Any]]] = [
        ("scheduler: first to first", few, first_come_first_served, {}),
        ("scheduler: from the middle", few, from_the_middle, {}),
        ("failures, tried again", max(1, most // 10), None, {"failure_rate": 0.001}),
        ("as they come", most, None, {}),
    ]
    table = Table(title=f"{WORKERS:,} simulated workers", box=None, header_style="bold")
    for column in ("", "tasks", "time", "processor time", "a task", "makespan", "lost", "memory so far"):
        table.add_column(column, justify="right" if column else "left")
    for name, tasks, match, options in cases:
        took, used, status = simulate(tasks, match, **options)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add_row(
            name,
            f"{tasks:,}",
            f"{took:.2f} s",
            f"{used:.2f} s",
            f"{used / tasks * 1e6:.1f} µs",
            f"{status['makespan']:,.0f} s",
            f"{status['num_lost_attempts']:,}",
            f"{memory:,.0f} MiB",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
