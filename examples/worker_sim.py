"""Compare scheduling policies on a simulated desktop grid, in simulated time.

The same workers get the same tasks several times, each time under another policy. Workers differ in speed,
and are switched off every night; now and then one fails.
"""

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

from pymw import interfaces
from pymw.interfaces.grid_simulator import GridSimulatorInterface, SimWorker
from pymw.pymw import PyMW_Master
from rich.console import Console
from rich.table import Table

HOUR = 3600.0
DAY = 24 * HOUR


def worker_speed(number: int) -> float:
    """Return the speed of a worker: some are ten times as fast as others."""
    return random.Random(number).choice([0.5, 1, 1, 2, 5])


def worker_avail(number: int) -> tuple[list[float], list[float]]:
    """Return a worker's day: half of it is to be had at work, all of it later, and nothing at night."""
    generator = random.Random(number)
    work = generator.uniform(7, 9) * HOUR
    evening = generator.uniform(0, 6) * HOUR
    return [work, evening, DAY - work - evening], [0.5, 1, 0]


def task_run_estimate(worker: SimWorker, cpu_hours: float) -> float:
    """Return the CPU seconds of a task: what it would take on a worker of speed 1 by itself.

    The simulator calls this in the place of the real work. It may look at the worker.
    """
    return cpu_hours * HOUR


# A scheduler function chooses one of the waiting tasks and one of the free workers. If no match is good
# enough it returns (None, None), and is asked again when the next worker is free.


def first_come(task_list: list[Any], worker_list: list[Any]) -> tuple[Any, Any]:
    """The task that has waited longest, to the worker that has."""
    return task_list[0], worker_list[0]


def fastest_worker(task_list: list[Any], worker_list: list[Any]) -> tuple[Any, Any]:
    """The task that has waited longest, to the fastest worker."""
    return task_list[0], max(worker_list, key=lambda worker: worker._speed)


def shortest_task(task_list: list[Any], worker_list: list[Any]) -> tuple[Any, Any]:
    """The shortest task, to the fastest worker."""
    shortest = min(task_list, key=lambda task: task.input_data[0])
    return shortest, max(worker_list, key=lambda worker: worker._speed)


def no_slow_worker(task_list: list[Any], worker_list: list[Any]) -> tuple[Any, Any]:
    """The longest task, to the fastest worker; slow workers get nothing."""
    worker = max(worker_list, key=lambda worker: worker._speed)
    if worker._speed < 1:
        return None, None
    return max(task_list, key=lambda task: task.input_data[0]), worker


POLICIES: list[tuple[str, Callable[[list[Any], list[Any]], tuple[Any, Any]]]] = [
    ("first come, first served", first_come),
    ("fastest worker first", fastest_worker),
    ("shortest task first", shortest_task),
    ("longest task first, no slow worker", no_slow_worker),
]


def simulate(
    policy: Callable[[list[Any], list[Any]], tuple[Any, Any]], workers: int, lengths: Sequence[float]
) -> tuple[dict[str, Any], float]:
    """Return the status at the end of a simulation, and the mean time at which a task was finished."""
    grid = GridSimulatorInterface(failure_rate=1 / (10 * DAY), seed=1)
    grid.generate_workers(workers, worker_speed, worker_avail)
    master = PyMW_Master(interface=grid, scheduler_func=policy, retries=100)
    with grid.hold():  # so that the policy sees all tasks from the start
        tasks = [master.submit_task(task_run_estimate, input_data=(length,)) for length in lengths]
    finished = [master.get_result(task)[1].finish for task in tasks]
    return grid.get_status(), sum(finished) / len(finished)


def parse(args: Sequence[str]) -> tuple[int, int]:
    """Return the numbers of workers and tasks."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Write policies of your own beside those in this file: see docs/grid-simulator.md.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-t", "--tasks", type=int, default=200, metavar="N", help="number of tasks (200)")
    # PyMW's own options; what is given later counts.
    options, unknown = interfaces.parse_options(parser, ["-i", "grid_simulator", "-n", "50", *args])
    if unknown:
        parser.error(f"there is no option {unknown[0]}")
    if options.interface != "grid_simulator":
        parser.error(f"policies are compared on the grid_simulator interface, not on {options.interface}")
    try:
        workers = int(options.n_workers)
    except ValueError:
        workers = 0
    if workers < 1 or options.tasks < 1:
        parser.error("it takes one worker and one task at least: -n and -t are whole numbers from 1 up")
    return workers, options.tasks


def main() -> None:
    """Simulate under each policy, and print a table."""
    workers, number = parse(sys.argv[1:])
    generator = random.Random(number)
    lengths = [min(generator.paretovariate(1.2), 40.0) for _ in range(number)]  # many short, a few long
    table = Table(
        title=f"{number:,} tasks, {sum(lengths):,.0f} CPU hours, on {workers:,} simulated workers", box=None
    )
    for column in ("policy", "all finished", "a task, on average", "lost and tried again"):
        table.add_column(column, justify="left" if column == "policy" else "right")
    for name, policy in POLICIES:
        status, mean = simulate(policy, workers, lengths)
        table.add_row(
            name,
            f"{status['makespan'] / DAY:.2f} days",
            f"{mean / DAY:.2f} days",
            f"{status['num_lost_attempts']:,}",
        )
    Console(width=None if sys.stdout.isatty() else 110).print(table)


if __name__ == "__main__":
    main()
