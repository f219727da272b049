"""The MPI interface under OpenMPI, with workers that it starts and in a job of mpiexec's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw import errors
from pymw.interfaces.base import Interface
from pymw.interfaces.mpi import MPIInterface

from tests.master.interfaces.conformance import Shared

ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
JOB = ("mpiexec", "--oversubscribe", "-n", "4", sys.executable, "-m", "mpi4py.futures")
PROGRAM = """
import os, sys, time
import pymw
from pymw.interfaces.mpi import MPIInterface
class Point:
    def __init__(self, x): self.x = x
def work(p):
    return Point(p.x * 2)
if __name__ == "__main__":
    with pymw.Master(MPIInterface(2)) as master:
        print(sorted(p.x for p in master.map(work, map(Point, range(50))))[-1], flush=True)
        print(master.status()["interface"]["num_total_workers"], flush=True)
        if "die" in sys.argv:
            others = [master.submit(time.sleep, 100) for _ in range(1)]
            print(type(master.options(priority=1).submit(os._exit, 3).exception(30)).__name__)
            print(type(master.submit(work, Point(1)).exception(30)).__name__)
"""

pytestmark = pytest.mark.skipif(not shutil.which("mpiexec"), reason="needs MPI: apt-get install openmpi-bin")


@pytest.fixture(autouse=True, scope="module")
def as_root() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ROOT.items():
            patch.setenv(name, value)
        yield


class TestMPI(Shared):
    survives_death = False
    stops_tasks = False

    def make(self, workers: int) -> Interface:
        return MPIInterface(workers)


def run(folder: Path, command: tuple[str, ...], way: str) -> subprocess.CompletedProcess[str]:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    return subprocess.run(
        [*command, str(program), way],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **ROOT, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_program_starts_its_workers(tmp_path: Path) -> None:
    done = run(tmp_path, (sys.executable,), "live")
    assert (done.returncode, done.stdout.split()) == (0, ["98", "2"]), done.stderr


def test_a_program_runs_in_a_job_of_mpiexec(tmp_path: Path) -> None:
    done = run(tmp_path, JOB, "live")
    assert (done.returncode, done.stdout.split()) == (0, ["98", "3"]), done.stderr


def test_a_dead_worker_ends_the_tasks_and_the_program(tmp_path: Path) -> None:
    done = run(tmp_path, (sys.executable,), "die")
    assert done.returncode == 1
    assert done.stdout.split() == ["98", "2", "WorkerDied", "InterfaceError"], done.stderr


def test_a_dead_worker_in_a_job_of_mpiexec_ends_the_job(tmp_path: Path) -> None:
    assert run(tmp_path, JOB, "die").returncode != 0


def test_without_mpi4py_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py.futures", None)
    with pytest.raises(errors.InterfaceError, match="pip install"):
        MPIInterface(1)


def test_without_an_mpi_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import mpi4py.futures

    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError("cannot load MPI library\nlibmpi.so: cannot open shared object file")

    monkeypatch.setattr(mpi4py.futures, "MPIPoolExecutor", fail)
    with pytest.raises(errors.InterfaceError, match="openmpi-bin"):
        MPIInterface(1)
