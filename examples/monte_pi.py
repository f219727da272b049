"""Estimates pi by throwing darts: independent tasks, futures, a progress bar.

python examples/monte_pi.py -i multicore -n 2
"""

import argparse
import math
import time
from collections import Counter

import pymw
from pymw import interfaces


# What a worker runs, under whatever Python 3 it has: so it carries no annotations and imports what it needs.
def throw_darts(darts, seed):  # type: ignore[no-untyped-def]
    """Throw darts at a square; return how many of them hit the circle in it."""
    import random  # noqa: PLC0415

    import pymw_worker  # noqa: PLC0415

    throw = random.Random(seed).random
    hits = 0
    for number in range(darts):
        hits += throw() ** 2 + throw() ** 2 <= 1
        if number % 100000 == 0:
            pymw_worker.progress(float(number) / darts)
    return hits


def describe(future: pymw.Future[int]) -> str:
    """Who computed it."""
    return f"worker {future.worker}, Python {future.log['python']} on {future.log['platform']}"


def main() -> None:
    """Split the darts among tasks, and add up their hits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-t", "--num_tests", type=int, default=4_000_000, metavar="N", help="darts in all")
    parser.add_argument("-k", "--tasks", type=int, default=20, metavar="N", help="tasks that throw them")
    options, _ = interfaces.parse_options(parser)
    if options.tasks < 1:
        parser.error(f"--tasks is {options.tasks}: there must be one at least")

    started = time.monotonic()
    share = math.ceil(options.num_tests / options.tasks)
    interface = interfaces.get_interface(options)
    with pymw.Master(interface, progress=True, portable=True) as master:
        futures = [master.submit(throw_darts, share, seed) for seed in range(options.tasks)]
        hits = sum(future.result() for future in pymw.as_completed(futures))
    for worker, tasks in sorted(Counter(describe(future) for future in futures).items()):
        print(f"{worker}: {tasks} tasks")
    pi = 4 * hits / (share * options.tasks)
    print(f"pi is about {pi:.6f}, {abs(pi - math.pi):.6f} off")
    print(f"{share * options.tasks:,} darts in {options.tasks} tasks took {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
