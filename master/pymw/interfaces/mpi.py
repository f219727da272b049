"""Tasks on the processes of an MPI job, through mpi4py.

`python program.py -i mpi -n 4` lets MPI start the workers; `mpiexec -n 5 python -m mpi4py.futures program.py`
uses the job's own processes but the first, as batch systems of clusters want it.
"""

from __future__ import annotations

import threading
from typing import Any

from pymw.errors import InterfaceError
from pymw.interfaces.base import Listener
from pymw.interfaces.executor import ExecutorInterface

_BOOT = 60.0  # seconds for the workers to come up
_GRACE = 5.0  # seconds for running tasks to end when this is closed


class MPIInterface(ExecutorInterface):
    """Runs tasks on mpi4py's MPIPoolExecutor.

    MPI cannot kill one process and go on: a task that runs is not stopped by cancel or a time limit, only its
    value is dropped; and if a worker dies, MPI ends the whole program.
    """

    def __init__(self, num_workers: int = 1) -> None:
        """num_workers: processes to start, where mpiexec has not started them. Raises InterfaceError."""
        if num_workers < 1:
            raise InterfaceError(f"the number of workers is {num_workers}: it must be 1 or more")
        super().__init__(_executor(num_workers), num_workers)
        self._shut = False

    def open(self, listener: Listener) -> None:
        """Start the workers. Raises InterfaceError if they do not come up."""
        super().open(listener)
        problem: list[BaseException] = []
        up = threading.Thread(target=self._boot, args=(problem,), name="pymw mpi boot", daemon=True)
        up.start()
        up.join(_BOOT)
        if up.is_alive() or problem:
            why = str(problem[0]) if problem else f"they were not up after {_BOOT:g} s"
            raise InterfaceError(
                f"MPI cannot start {self.width} workers: {why}; try `mpiexec -n {self.width + 1} hostname`",
                why,
            )
        self.width = self.chunk_width = self.executor.num_workers  # type: ignore[attr-defined]

    def _boot(self, problem: list[BaseException]) -> None:
        try:
            self.executor.bootup(wait=True)  # type: ignore[attr-defined]
        except BaseException as error:
            problem.append(error)

    def close(self) -> None:
        """Cancel what waits, let what runs end, and end the workers."""
        super().close()
        if not self._shut:
            self._shut = True
            ender = threading.Thread(target=self.executor.shutdown, name="pymw mpi end", daemon=True)
            ender.start()
            ender.join(_GRACE)


def _executor(num_workers: int) -> Any:
    try:
        from mpi4py.futures import MPIPoolExecutor  # noqa: PLC0415

        # The workers need not import the program: functions come by value.
        return MPIPoolExecutor(num_workers, main=False)
    except ImportError as error:
        raise InterfaceError(
            f"the mpi interface needs mpi4py and an MPI library ({error}): pip install 'pymw-boinc[mpi]', "
            "and install OpenMPI (Debian's openmpi-bin) or MPICH",
            repr(error),
        ) from error
    except RuntimeError as error:  # mpi4py itself is there, the library is not
        raise InterfaceError(
            f"no MPI library can be loaded ({str(error).splitlines()[0]}): install OpenMPI (Debian's "
            "openmpi-bin) or MPICH",
            repr(error),
        ) from error
