"""`make demo`: packages PyMW for this machine, and a real BOINC client runs a real task with the package.

No project, no network: the client gets a data folder of its own, runs one task in it, and is stopped.
"""

import math
import pickle
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import pymw_platforms
from pymw import functions
from pymw_packager import app_version, progress, report
from pymw_packager.app_version import Recipe
from pymw_packager.client_folder import Job
from pymw_packager.errors import PackagerError, UsageError
from pymw_packager.trial import Ended, TaskStatus, Trial
from pymw_worker import log, names, outcome
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

DARTS = 20_000_000
SECONDS = 110


def estimate_pi(darts, seed):  # type: ignore[no-untyped-def]
    """Throw darts at a square and return 4 times the share that hits the circle in it.

    This is what a volunteer's computer runs, under whatever Python 3 it has: so it carries no annotations
    and imports what it needs itself. It takes up from its last checkpoint.
    """
    import random  # noqa: PLC0415

    import pymw_worker  # noqa: PLC0415
    from pymw_worker import checkpoint  # noqa: PLC0415

    generator = random.Random(seed)
    state = checkpoint.load({"thrown": 0, "hits": 0, "generator": generator.getstate()})
    generator.setstate(state["generator"])
    throw = generator.random
    while state["thrown"] < darts:
        batch = min(200000, darts - state["thrown"])
        state["hits"] += sum(throw() ** 2 + throw() ** 2 <= 1 for _ in range(batch))
        state["thrown"] += batch
        state["generator"] = generator.getstate()
        checkpoint.save(state)
        pymw_worker.progress(float(state["thrown"]) / darts)
    return 4.0 * state["hits"] / darts


def main() -> int:
    """Package, run, show; return the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    try:
        with tempfile.TemporaryDirectory(prefix="pymw-demo-") as folder:
            return _demo(Path(folder), console)
    except PackagerError as error:
        console.print(f"[red]The demo cannot go on:[/red] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted: the client and its task have been stopped, their folder is gone.")
        return 130


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _demo(folder: Path, console: Console) -> int:
    platform = pymw_platforms.this_host()
    if platform is None:
        raise UsageError("this machine is none of the platforms that pymw-package --list shows.")
    console.rule(f"1. Package the launcher and the worker for {platform.name}")
    recipe = Recipe(platform=platform, version="1.00", interpreter="none")
    built = app_version.build(recipe, folder / "apps", progress.for_stderr())
    report.print_built(built, console)

    console.rule("2. Turn a function into a job")
    bundle = functions.from_source(estimate_pi)
    arguments = bundle.arguments("demo", (DARTS, 1))
    inputs = {names.BUNDLE: bundle.data, names.ARGUMENTS: arguments}
    job = Job(inputs, (names.RESULT, names.LOG), f"--python {bundle.python}")
    console.print(
        f"estimate_pi({DARTS:,}, 1): a bundle of {len(bundle.data):,} bytes for Python {bundle.python}, "
        f"and {len(arguments):,} bytes of arguments."
    )

    console.rule("3. A real BOINC client runs it")
    started = time.monotonic()
    with Trial(folder / "client", built.folder, job) as trial:
        console.print(f"Started a client of its own for this demo (process {trial.pid}, {trial.version()}).")
        ended = _watch(trial, console)
    console.print(
        f"The client ran for {time.monotonic() - started:.0f} s and was stopped; its folder goes now."
    )
    return _show(ended, console)


def _watch(trial: Trial, console: Console) -> Ended:
    """Show how far the client says that the task is, until it is over."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("waiting", total=1.0)

        def show(status: TaskStatus) -> None:
            words = status.state if status.over else status.activity.lower()
            bars.update(bar, completed=status.fraction_done, description=words)

        return trial.wait(SECONDS, show)


def _show(ended: Ended, console: Console) -> int:
    """Print what came back; return the exit status."""
    console.rule("4. What came back")
    if not ended.succeeded:
        console.print(f"The client reports: {ended.state}, exit status {ended.exit_status}.\n{ended.stderr}")
        return 1
    result = outcome.read(str(ended.outputs[names.RESULT]))
    if result.status != outcome.VALUE:
        console.print(f"The task ended with {result.status}: {result.type} {result.message}")
        return 1
    # Our own machine computed it. What strangers send is never unpickled like this.
    value = pickle.loads(result.value_bytes)
    console.print(f"pi is about [bold]{value:.6f}[/bold], {abs(value - math.pi):.6f} off.")
    facts = log.read(str(ended.outputs[names.LOG])).facts
    console.print(f"computed by Python {facts['python']} on {facts['platform']}")
    console.print(f"in {float(facts['elapsed']):.1f} s, with {float(facts['cpu']):.1f} s of processor time,")
    console.print(f"restarted {facts['restarts']} times; the client counted {ended.cpu_seconds:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
