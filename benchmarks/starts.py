"""How long a task takes that does nothing, from the launcher's start to its end, side by side in one run.

    python benchmarks/starts.py [--rounds N] [--lean]

The goals: a cold start (unpack, import, run) at most 1.5 times `tar --zstd -x` of the same payload and a bare
`python -c pass` with what came out of it; a warm start at most 10 ms more than the worker itself with that
Python. Beside them the same worker as one file of PyInstaller's, which unpacks itself at each start.

Everything takes turns, and is compared turn by turn: a busy moment hits all of it. What is unpacked is new
each time; the launcher hashes the payload and syncs what came out of it, tar and PyInstaller do neither.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymw_platforms
import pymw_worker
from pymw import functions
from pymw_packager import app_version
from pymw_packager.app_version import AppVersion, Recipe
from pymw_packager.interpreters import freeze
from pymw_packager.progress import Progress
from pymw_worker import environment, names, outcome
from rich.console import Console
from rich.table import Table

BOOT = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.__main__ as m;m.main()"
# What the launcher becomes.
EMBEDDED = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.embedded as m;m.main()"
MOST_TIMES, MOST_MILLISECONDS = 1.5, 10


def nothing() -> None:
    """A task that does nothing."""


@dataclass(frozen=True)
class Bench:
    """The folder of a run, and the app version in it."""

    folder: Path
    built: AppVersion

    def file(self, role: str) -> Path:
        """The file of the app version whose role begins so."""
        return next(self.built.folder / f.name for f in self.built.files if f.role.startswith(role))

    def new(self, name: str) -> Path:
        """An empty folder of this name."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / name).mkdir()
        return self.folder / name

    def slot(self) -> Path:
        """A new slot with the task's files."""
        slot = self.new("slot")
        code = functions.from_source(nothing)
        (slot / names.BUNDLE).write_bytes(code.data)
        (slot / names.ARGUMENTS).write_bytes(code.arguments("start", ()))
        return slot

    def task(self, command: Sequence[str | Path], cache: Path) -> float:
        """The seconds that a task takes whose worker a command starts; the cache is for runtimes."""
        slot = self.slot()
        variables = environment.common_variables(os.environ, False)
        variables |= {"XDG_CACHE_HOME": str(cache), "TMPDIR": str(self.folder)}
        took = seconds(command, slot, variables)
        assert outcome.read(str(slot / names.RESULT)).status == outcome.VALUE
        return took


def seconds(command: Sequence[str | Path], folder: Path, environment: dict[str, str] | None = None) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - began


def one_file(work: Path) -> Path:
    """Freeze a Python that takes arguments like any other, which the worker needs to start its task."""
    places = [f"--{name}path={work / name}" for name in ("dist", "work", "spec")]
    options = ["--onefile", "--name", "onefile", "--log-level", "ERROR", "--noconfirm", *places]
    options += ["--paths", str(Path(pymw_worker.__file__).parents[1]), "--collect-submodules", "pymw_worker"]
    modules = [f"--hidden-import={name}" for name in freeze.extension_modules()]
    main = Path(freeze.__file__).with_name("frozen_main.py")
    seconds([sys.executable, "-m", "PyInstaller", *options, *modules, main], work)
    return work / "dist" / "onefile"


def contestants(bench: Bench) -> dict[str, Callable[[], float]]:
    """What is compared: a name, and what measures it once."""
    payload, worker, launcher = bench.file("Python"), bench.file("worker"), bench.file("launcher")
    frozen, warm = one_file(bench.new("frozen")), bench.new("warm")
    bench.task([launcher], warm)
    (python,) = warm.glob("pymw/pymw_runtime_*/python")
    doubt = python.with_name(".pymw_doubt")

    def untar() -> float:
        target = bench.new("untarred")
        unpacking = seconds(["tar", "--zstd", "-xf", payload], target)
        return unpacking + seconds(["./python", "-c", "pass"], target)

    return {
        "tar --zstd -x, python -c pass": untar,
        "cold: launcher, unpacking": lambda: bench.task([launcher], bench.new("cold")),
        "python -c pass": lambda: seconds([python, "-c", "pass"], bench.folder),
        "the worker itself": lambda: bench.task([python, "-c", EMBEDDED, worker, doubt, launcher], warm),
        "warm: launcher": lambda: bench.task([launcher], warm),
        "PyInstaller onefile": lambda: bench.task([frozen, "-E", "-c", BOOT, worker], warm),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="rounds (15)")
    parser.add_argument("--lean", action="store_true", help="with a lean Python")
    options = parser.parse_args()
    platform = pymw_platforms.this_host()
    assert platform is not None, "BOINC has no name for this host"
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe(platform=platform, version="1.00", prefer="embedded", lean=options.lean)
        bench = Bench(Path(folder), app_version.build(recipe, Path(folder, "apps"), Progress()))
        measured: dict[str, list[float]] = {}
        runs = contestants(bench)
        for _ in range(options.rounds):
            for name, run in runs.items():
                measured.setdefault(name, []).append(run())
    untarred, cold, _, direct, warm, _ = measured.values()
    times = statistics.median(a / b for a, b in zip(cold, untarred, strict=True))
    more = 1000 * statistics.median(a - b for a, b in zip(warm, direct, strict=True))
    goals = {
        "cold: launcher, unpacking": f"{times:.2f} times tar's; goal {MOST_TIMES}",
        "warm: launcher": f"{more:+.1f} ms; goal {MOST_MILLISECONDS:+}",
    }
    table = Table(title=f"{platform.name}, medians of {options.rounds}, in ms", box=None)
    for column in ("a task that does nothing", "median", "least", ""):
        table.add_column(column, justify="right" if column in ("median", "least") else "left")
    for name, found in measured.items():
        median, least = 1000 * statistics.median(found), 1000 * min(found)
        table.add_row(name, f"{median:.1f}", f"{least:.1f}", goals.get(name, ""))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
