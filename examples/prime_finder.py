"""Finds primes of the form n*n + 1: functions that call others, map in chunks.

python examples/prime_finder.py -i multicore -n 2 --max_val 100000
"""

import argparse
import time

import pymw
from pymw import interfaces

# With these bases the Miller-Rabin test is exact below 3.3e24 (Sorenson and Webster, 2015).
BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)


def is_prime(number: int) -> bool:
    """Tell whether a number below 3.3e24 is prime, by the Miller-Rabin test."""
    if number < 2 or any(number % base == 0 for base in BASES):
        return number in BASES
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(passes(number, base, odd, twos) for base in BASES)


def passes(number: int, base: int, odd: int, twos: int) -> bool:
    """One round of the Miller-Rabin test."""
    power = pow(base, odd, number)
    for _ in range(twos):
        if power in (1, number - 1):
            return True
        power = power * power % number
        if power == 1:
            return False
    return False


def primes_between(first: int, last: int) -> list[int]:
    """The primes n*n + 1 for first <= n < last."""
    return [n * n + 1 for n in range(first, last) if is_prime(n * n + 1)]


def main() -> None:
    """Cut the range into pieces, one a task."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-r", "--min_val", type=int, default=1, metavar="N", help="least n")
    parser.add_argument("-s", "--max_val", type=int, default=20_000, metavar="N", help="largest n")
    parser.add_argument("-k", "--tasks", type=int, default=40, metavar="N", help="tasks")
    options, _ = interfaces.parse_options(parser)
    if options.tasks < 1:
        parser.error(f"--tasks is {options.tasks}: there must be one at least")

    started = time.monotonic()
    step = max(1, (options.max_val - options.min_val) // options.tasks)
    edges = [*range(options.min_val, options.max_val + 1, step), options.max_val + 1]
    # is_prime and passes travel with primes_between by themselves: cloudpickle finds them.
    with pymw.Master(interfaces.get_interface(options), progress=True) as master:
        primes = [prime for found in master.map(primes_between, edges, edges[1:]) for prime in found]
    print(f"{len(primes):,} primes of the form n*n + 1; the last of them: {primes[-5:]}")
    print(f"{len(edges) - 1} tasks took {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
