"""How much work the server of a BOINC project carries, from submission to validated results.

python benchmarks/project_server.py [JOBS [HOSTS [TASKS]]]     (20000 jobs, 1000 hosts, 4 tasks at a time)
python benchmarks/project_server.py --million                  the same with a million workunits waiting

The clients are simulated (see simulated_clients.py), everything else is real: a project in a temporary
folder, its server as a process of its own, HTTP over the loopback. Server and clients share this machine's
processors. First all clients go on as fast as they can, which gives the rate; then they come at 70 % of it,
which gives the time of a scheduler request as a busy but not overloaded server answers it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pymw_platforms
from pymw.project.jobs import Input, Workunit
from pymw.project.project import Project
from pymw_packager import app_version
from pymw_packager.app_version import Recipe
from pymw_packager.client_process import free_port
from pymw_packager.progress import Progress
from simulated_clients import Plan, Seen

SLICE = 10_000  # workunits that are in this process at once
CALM = 0.7  # of the highest rate


def seconds(words: str, began: float, count: int) -> None:
    """Print how long something took."""
    took = time.perf_counter() - began
    print(f"{words:58} {took:8.1f} s  {count / took:9,.0f} /s", flush=True)


def make(folder: Path, port: int) -> Project:
    """A project with an application; all clients have one address, so that its limits are no limits."""
    project = Project.create(
        folder / "lab",
        unsigned=True,
        name="Lab",
        url=f"http://127.0.0.1:{port}/pymw/",
        requests_per_minute=100_000_000,
        connections_per_address=5000,
    )
    recipe = Recipe(
        platform=pymw_platforms.load("x86_64-pc-linux-gnu"),
        version="1.00",
        interpreter="none",
        prefer="system",
    )
    project.add_version(app_version.build(recipe, folder / "apps", Progress()).folder)
    return project


def submit(project: Project, jobs: int, arguments: int) -> None:
    """Submit jobs that share their code; each has its own arguments, or one of so many files with them."""
    began = time.perf_counter()
    code = Input(project.stage(b"code" * 1000, "bundle"), "pymw_bundle", sticky=True)
    contents = [f"arguments {at}".encode() * 10 for at in range(arguments)]
    files = project.stage_all(contents, "arguments")
    seconds(f"stage {arguments:,} files of arguments", began, arguments)
    began = time.perf_counter()
    for start in range(0, jobs, SLICE):
        project.submit(
            Workunit(
                name=f"job_{number}",
                inputs=(code, Input(files[number % arguments], "pymw_arguments")),
                command_line="--python 3.11",
                batch="bench",
            )
            for number in range(start, min(start + SLICE, jobs))
        )
    seconds(f"submit {jobs:,} workunits", began, jobs)


@contextmanager
def served(project: Project, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The project's server."""
    command = [sys.executable, "-m", "pymw.project", "serve", str(project.folder), "--host", "127.0.0.1"]
    log = project.folder.with_name("server.log").open("wb")
    server = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log)
    try:
        time.sleep(3)
        yield server
    finally:
        server.terminate()
        server.wait()
        log.close()


def load(plan: Plan) -> Seen:
    """Let simulated clients do it, in a process of their own."""
    script = Path(__file__).with_name("simulated_clients.py")
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(asdict(plan))], stdout=subprocess.PIPE, check=True
    )
    return Seen(**json.loads(done.stdout))


def show(words: str, seen: Seen) -> float:
    """Print what was seen; returns jobs per second."""
    rate = seen.reported / seen.elapsed
    cuts = statistics.quantiles(seen.latencies, n=20)
    print(
        f"{words}: {seen.reported:,} jobs in {seen.elapsed:.1f} s, {rate:,.0f} jobs/s\n"
        f"    a scheduler request: median {1e3 * statistics.median(seen.latencies):.0f} ms, 95 % within "
        f"{1e3 * cuts[-1]:.0f} ms, worst {1e3 * max(seen.latencies):.0f} ms\n"
        f"    processor time of a job: server {1e3 * seen.server_cpu / seen.reported:.2f} ms, "
        f"clients {1e3 * seen.clients_cpu / seen.reported:.2f} ms; busy: server "
        f"{seen.server_cpu / seen.elapsed:.0%}, clients {seen.clients_cpu / seen.elapsed:.0%} of a processor",
        flush=True,
    )
    return rate


def sizes(project: Project, server: subprocess.Popen[bytes]) -> None:
    """Print how much memory and disk it takes."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    resident = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    database = sum(path.stat().st_size for path in project.folder.glob("project.sqlite*")) / 1e6
    print(f"memory of the server, at most: {resident:.0f} MiB; database: {database:,.0f} MB", flush=True)


def collect(project: Project, jobs: int) -> None:
    """Take the news as a master does, and check that every job is there once."""
    began, sequence, seen = time.perf_counter(), 0, set[str]()
    while news := project.finished_since(sequence):
        seen |= {each.name for each in news}
        sequence = news[-1].sequence
    seconds(f"hear of {len(seen):,} finished workunits", began, len(seen))
    assert len(seen) == project.counts().succeeded >= jobs


def main() -> None:
    """Measure and print."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("jobs", nargs="?", type=int, default=20_000, help="jobs in each phase (20000)")
    parser.add_argument("hosts", nargs="?", type=int, default=1000, help="simulated clients (1000)")
    parser.add_argument("tasks", nargs="?", type=int, default=4, help="tasks that a client holds (4)")
    parser.add_argument("--million", action="store_true", help="a million workunits wait meanwhile")
    options = parser.parse_args()
    jobs, hosts, tasks, million = options.jobs, options.hosts, options.tasks, options.million
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with make(Path(folder), port) as project:
            if million:
                submit(project, 1_000_000, jobs)
            else:
                submit(project, 2 * jobs + 5 * hosts * tasks, jobs)
            with served(project, port) as server:
                about = (port, project.owner_key(), server.pid, hosts, tasks, jobs)
                rate = show("as fast as they can", load(Plan(*about, rate=0)))
                show(f"at {CALM:.0%} of that", load(Plan(*about, rate=CALM * rate)))
                sizes(project, server)
                collect(project, 2 * jobs)
                began = time.perf_counter()
                project.counts()
                seconds("count everything", began, 1)


if __name__ == "__main__":
    main()
