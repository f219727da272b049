"""How fast masters hand out null tasks, side by side in one run: ours, concurrent.futures, loky, joblib.

python benchmarks/masters.py [TASKS [WORKERS]]     tasks per second, the median of five
python benchmarks/masters.py pending               a million waiting tasks: bytes and seconds
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import joblib
import pymw
from loky.process_executor import ProcessPoolExecutor as LokyExecutor
from pymw.interfaces.base import Interface, Task
from pymw.interfaces.multicore import MulticoreInterface

ROUNDS = 5


def null(x: int) -> int:
    """A task that does nothing."""
    return x


def submit(executor: Executor, tasks: int) -> None:
    """Submit tasks one by one, and take their values."""
    futures = [executor.submit(null, number) for number in range(tasks)]
    assert [future.result() for future in futures] == list(range(tasks))


def map_over(executor: Executor, tasks: int, **options: int) -> None:
    """The values of a map."""
    assert list(executor.map(null, range(tasks), **options)) == list(range(tasks))


def rivals(tasks: int, workers: int, stack: ExitStack) -> Iterator[tuple[str, int, Callable[[int], None]]]:
    """What is compared: name, how many tasks, what runs them."""
    many = 10 * tasks
    ours = stack.enter_context(pymw.Master(MulticoreInterface(workers)))
    stock = stack.enter_context(ProcessPoolExecutor(workers))
    loky = stack.enter_context(LokyExecutor(workers))
    parallel = stack.enter_context(joblib.Parallel(n_jobs=workers))
    yield "submit  pymw.Master", tasks, lambda n: submit(ours, n)
    yield "submit  ProcessPoolExecutor", tasks, lambda n: submit(stock, n)
    yield "submit  loky", tasks, lambda n: submit(loky, n)
    yield "map     pymw.Master", many, lambda n: map_over(ours, n)
    yield "map     joblib.Parallel", many, lambda n: parallel(joblib.delayed(null)(i) for i in range(n))
    yield "map     ProcessPoolExecutor, chunksize=1", tasks, lambda n: map_over(stock, n, chunksize=1)
    yield "map     ProcessPoolExecutor, chunksize=100", many, lambda n: map_over(stock, n, chunksize=100)
    yield "map     loky, chunksize=1", tasks, lambda n: map_over(loky, n, chunksize=1)


def throughput(tasks: int, workers: int) -> None:
    """Print tasks per second; the rivals take turns, so that a busy moment hits all of them."""
    with ExitStack() as stack:
        runs = list(rivals(tasks, workers, stack))
        rates: dict[str, list[float]] = {name: [] for name, _, _ in runs}
        for _, _, run in runs:
            run(workers)  # starts the processes
        for _ in range(ROUNDS):
            for name, number, run in runs:
                started = time.perf_counter()
                run(number)
                rates[name].append(number / (time.perf_counter() - started))
    for name, found in rates.items():
        print(f"{name:45} {statistics.median(found):9,.0f} /s   ({min(found):,.0f} - {max(found):,.0f})")


class Nowhere(Interface):
    """Never has room."""

    def room(self) -> int:
        """None."""
        return 0

    def start(self, tasks: list[Task]) -> None:
        """Never called."""

    def cancel(self, task: Task) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is open."""


def resident() -> int:
    """The bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def pending(total: int = 1_000_000, step: int = 100_000) -> None:
    """Print how large waiting tasks are, and whether submitting slows down as they become many."""
    master = pymw.Master(Nowhere())
    gc.collect()
    before = resident()
    futures: list[object] = []
    for _ in range(total // step):
        started = time.perf_counter()
        futures += [master.submit(null, number) for number in range(step)]
        print(f"{len(futures):9,} waiting: {step / (time.perf_counter() - started):9,.0f} /s")
    print(f"{(resident() - before) / total:.0f} bytes a task")
    started = time.perf_counter()
    master.shutdown(cancel_futures=True)
    print(f"cancelled in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument(
        "tasks", nargs="?", default="20000", help="tasks, or `pending` to measure waiting ones"
    )
    parser.add_argument("workers", nargs="?", type=int, default=2, help="processes (2)")
    options = parser.parse_args()
    if options.tasks == "pending":
        pending()
    else:
        throughput(int(options.tasks), options.workers)
