"""How fast a project elsewhere takes jobs, tells of them and removes them: remote_rate.py URL [JOBS].

The account key is where programs find it (docs/remote.md). The jobs compute nothing, and are removed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pymw.boinc.backend import Demand, Job
from pymw.remote.backend import RemoteBackend


@contextmanager
def timed(what: str, jobs: int) -> Iterator[None]:
    """Print how long the block takes."""
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    print(f"{what:10} {jobs:7,} jobs  {seconds:7.2f} s  {jobs / seconds:9,.0f} /s")


def main() -> None:
    """Submit, look, cancel some, and remove all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", metavar="URL", help="the project's")
    parser.add_argument(
        "jobs", metavar="JOBS", nargs="?", type=int, default=2000, help="how many (%(default)s)"
    )
    options = parser.parse_args()
    batch = f"pymw_{os.urandom(6).hex()}"
    names = [f"{batch}_{number}" for number in range(options.jobs)]
    backend = RemoteBackend(options.url)
    try:
        with timed("submit", len(names)):
            bundle = backend.stage(os.urandom(2000), batch)
            jobs = [
                Job(name, bundle, os.urandom(500), f"--python 3 --task {name}", Demand()) for name in names
            ]
            backend.submit(jobs, batch)
        other = RemoteBackend(options.url)
        with timed("look", len(names)):
            assert other.known(names) == set(names)
        other.close()
        with timed("cancel", len(names) // 10):
            backend.cancel(names[: len(names) // 10])
    finally:
        with timed("remove", len(names)):
            backend.forget(batch)
        backend.close()


if __name__ == "__main__":
    main()
