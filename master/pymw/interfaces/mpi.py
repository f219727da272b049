"""Tasks on the processes of an MPI job, through mpi4py.

`python program.py -i mpi -n 4` lets MPI start the workers; `mpiexec -n 5 python -m mpi4py.futures program.py`
uses the job's own processes but the first, as batch systems of clusters want it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.errors import InterfaceError
from pymw.interfaces.base import Listener, Task
from pymw.interfaces.executor import ExecutorInterface
from pymw.pool import lifeline

_BOOT = 60.0  # seconds for the workers to come up
_GRACE = 5.0  # seconds for running tasks to end when this is closed
_DEAD = (
    "a worker process of MPI has died, and MPI has ended the others: this task or one beside it may have "
    "crashed, or there was no memory left"
)


class MPIInterface(ExecutorInterface):
    """Runs tasks on mpi4py's MPIPoolExecutor.

    MPI cannot kill one process and go on: a task that runs is not stopped by cancel or a time limit, only its
    value is dropped. If a worker dies, MPI ends the others: tasks end with WorkerDied, those after them with
    InterfaceError, and the program's exit status is 1. In a job of mpiexec's MPI ends the program at once.
    """

    def __init__(self, num_workers: int = 1) -> None:
        """num_workers: processes to start, where mpiexec has not started them. Raises InterfaceError."""
        if num_workers < 1:
            raise InterfaceError(f"the number of workers is {num_workers}: it must be 1 or more")
        self._lines = lifeline.Lifelines()
        self._broken = self._shut = False
        try:
            super().__init__(_executor(num_workers, self._lines.address), num_workers)
        except InterfaceError:
            self._lines.close()
            raise

    def open(self, listener: Listener) -> None:
        """Start the workers. Raises InterfaceError if they do not come up."""
        super().open(listener)
        self._lines.watch(self._died)
        problem = self._boot()
        if problem:
            self._broken = True
            self.close()
            raise InterfaceError(
                f"MPI cannot start {self.width} workers: {problem}; see what it wrote to stderr, and try "
                f"`mpiexec -n {self.width + 1} hostname`",
                problem,
            )
        self.width = self.chunk_width = self.executor.num_workers  # type: ignore[attr-defined]

    def start(self, tasks: list[Task]) -> None:
        """As for any executor; once a worker has died, tasks are refused."""
        if not self._broken:
            super().start(tasks)
            return
        words = f"{_DEAD}; start the program again"
        error = InterfaceError(words)
        self.listener.ended([(task, Ending(ending.REFUSED, message=words, error=error)) for task in tasks])

    def room(self) -> int:
        """As for any executor; one that is broken takes all, to refuse them."""
        return 1000 if self._broken else super().room()

    def close(self) -> None:
        """Cancel what waits, let what runs end, and end the workers."""
        super().close()
        if self._shut:
            return
        self._shut = True
        self._lines.stop()
        if not self._broken:
            ender = _in_thread(self.executor.shutdown)
            ender.join(_GRACE)
            self._broken = ender.is_alive()
        if self._broken:
            _end_without(self.executor)
        self._lines.close()

    def _boot(self) -> str:
        """Wait for the workers; returns what went wrong, "" if nothing did."""
        booting = _in_thread(self.executor.bootup)  # type: ignore[attr-defined]
        end = time.monotonic() + _BOOT
        while booting.is_alive():
            booting.join(0.05)
            manager = _manager(self.executor)
            if booting.is_alive() and manager is not None and not manager.is_alive():
                return "it refused"
            if time.monotonic() > end:
                return f"they were not up after {_BOOT:g} s"
        return ""

    def _died(self) -> None:
        """A worker on this computer has died, of which mpi4py says nothing."""
        self._broken = True
        self._lose(Ending(ending.DIED, message=_DEAD))


def _executor(num_workers: int, address: str) -> Any:
    # OpenMPI counts cores, and refuses to start more workers; but tasks may well wait for other things.
    os.environ.setdefault("OMPI_MCA_rmaps_base_oversubscribe", "1")
    try:
        from mpi4py.futures import MPIPoolExecutor  # noqa: PLC0415

        # The workers need not import the program: functions come by value.
        return MPIPoolExecutor(num_workers, main=False, initializer=lifeline.hold, initargs=(address,))
    except ImportError as error:
        raise InterfaceError(
            f"the mpi interface needs mpi4py and an MPI library ({error}): pip install 'pymw-boinc[mpi]', "
            "and install OpenMPI (Debian's openmpi-bin) or MPICH",
            repr(error),
        ) from error
    except RuntimeError as error:  # mpi4py is there, the library is not
        raise InterfaceError(
            f"no MPI library can be loaded ({str(error).splitlines()[0]}): install OpenMPI (Debian's "
            "openmpi-bin) or MPICH",
            repr(error),
        ) from error


def _manager(executor: Any) -> threading.Thread | None:
    """The thread of mpi4py's that serves this executor."""
    thread = getattr(getattr(executor, "_pool", None), "thread", None)
    return thread if isinstance(thread, threading.Thread) else None


def _in_thread(function: Any) -> threading.Thread:
    """Run what may never return."""
    thread = threading.Thread(target=function, name="pymw mpi", daemon=True)
    thread.start()
    return thread


def _end_without(executor: Any) -> None:
    """At the program's end mpi4py would wait for workers that are gone: end without it, as a failure."""

    def end() -> None:
        manager = _manager(executor)
        if manager is not None and manager.is_alive():
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    register = getattr(threading, "_register_atexit", None)  # the last one registered is called first
    if register is not None:
        try:
            register(end)
        except RuntimeError:  # the end has begun
            end()
