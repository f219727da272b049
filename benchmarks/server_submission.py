"""How fast tasks come into a project of the real BOINC server, staging and all.

PYMW_BOINC_PROJECT=DIR python benchmarks/server_submission.py [JOBS [BYTES]]     (10000 jobs; arguments of
1000 bytes each)

DIR is a project that pymw_setup has prepared, on this computer. Side by side: one call of create_work for
each job, as PyMW did it from 2008 on; and jobs by the batch, as the interface `boinc` submits them now,
without and with the signing of each. Ours are on the disk and seen in the database when the clock stops. All
are cancelled at the end.
"""

from __future__ import annotations

import argparse
import os
import pickle
import statistics
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymw import functions, signing
from pymw.boinc.backend import Demand, Job
from pymw.boinc.workunits import workunit
from pymw.key_files import TaskKey
from pymw.server import templates
from pymw.server.backend import ServerBackend
from pymw.server.home import ServerHome
from pymw_packager.names import APP
from rich.console import Console
from rich.table import Table

VARIABLE = "PYMW_BOINC_PROJECT"
ROUNDS = 3
PART = 50  # of which one is submitted by the slow way
KEY = TaskKey(Ed25519PrivateKey.generate())


def one_by_one(home: ServerHome, backend: ServerBackend, jobs: Sequence[Job], batch: str) -> None:
    """A file and a call of create_work for each."""
    made = templates.written(home.folder, workunit(jobs[0], "arguments", batch))
    for job in jobs:
        path = home.in_download(f"{job.name}_arguments")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(job.arguments)
        options = ["--appname", APP, "--wu_name", job.name, "--command_line", job.command_line]
        options += ["--wu_template", made[0], "--result_template", made[1], job.bundle, path.name]
        subprocess.run([home.folder / "bin" / "create_work", *options], cwd=home.folder, check=True)


def by_the_batch(home: ServerHome, backend: ServerBackend, jobs: Sequence[Job], batch: str) -> None:
    """As the interface does it."""
    backend.submit(jobs, batch)


def signed(home: ServerHome, backend: ServerBackend, jobs: Sequence[Job], batch: str) -> None:
    """The same, and each job's arguments are signed before."""
    by_the_batch(
        home, backend, [replace(job, arguments=signing.sign(job.arguments, KEY)) for job in jobs], batch
    )


WAYS: list[tuple[str, Callable[[ServerHome, ServerBackend, Sequence[Job], str], None], int]] = [
    ("one call of create_work for each", one_by_one, PART),
    ("by the batch", by_the_batch, 1),
    ("by the batch, signed", signed, 1),
]


def task(x):  # type: ignore[no-untyped-def]
    """What would run."""
    return len(x)


def jobs_of(backend: ServerBackend, batch: str, number: int, size: int) -> list[Job]:
    """So many jobs with different arguments."""
    code, demand = functions.from_source(task), Demand()
    bundle, call = backend.stage(code.data, batch), pickle.dumps(((os.urandom(size),), {}), 2)
    line = f"--python {code.python} --max-result {demand.max_nbytes} --task"
    names = [f"{batch}_{each}" for each in range(number)]
    return [Job(name, bundle, code.arguments_file(name, call), f"{line} {name}", demand) for name in names]


def main() -> None:
    """Print jobs submitted per second."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("jobs", nargs="?", type=int, default=10_000, help="jobs")
    parser.add_argument("bytes", nargs="?", type=int, default=1000, help="of each job's arguments")
    options = parser.parse_args()
    if not os.environ.get(VARIABLE):
        parser.exit(2, f"{VARIABLE} names no project of a BOINC server.\n")
    home = ServerHome.open(Path(os.environ[VARIABLE]))
    backend = ServerBackend(home)
    table = Table(title=f"jobs with arguments of {options.bytes:,} bytes, {ROUNDS} rounds")
    for heading in ("", "jobs", "a second", "slowest - fastest"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, submit, part in WAYS:
        rates = []
        for _ in range(ROUNDS):
            batch = f"{APP}_{uuid.uuid4().hex[:12]}"
            jobs = jobs_of(backend, batch, max(1, options.jobs // part), options.bytes)
            began = time.perf_counter()
            submit(home, backend, jobs, batch)
            rates.append(len(jobs) / (time.perf_counter() - began))
            assert backend.known([jobs[-1].name])
            backend.forget(batch)
        spread = f"{min(rates):,.0f} - {max(rates):,.0f}"
        table.add_row(name, f"{len(jobs):,}", f"{statistics.median(rates):,.0f}", spread)
    backend.close()
    Console().print(table)


if __name__ == "__main__":
    main()
