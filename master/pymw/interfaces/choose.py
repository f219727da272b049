"""From what a user gives as an interface to an Interface."""

from __future__ import annotations

import concurrent.futures
import importlib
import os
from typing import Any

from pymw.errors import InterfaceError
from pymw.interfaces.base import Interface

# Name on the command line: module of pymw.interfaces, and class. Modules are imported when asked for.
NAMES = {
    "generic": ("generic", "GenericInterface"),
    "multicore": ("multicore", "MulticoreInterface"),
    "mpi": ("mpi", "MPIInterface"),
    "grid_simulator": ("grid_simulator", "GridSimulatorInterface"),
    "boinc": ("boinc", "BOINCInterface"),
}


def named(name: str, *args: Any, **kwargs: Any) -> Interface:
    """The interface of this name, made with these arguments. Raises InterfaceError."""
    if name not in NAMES:
        raise InterfaceError(f"there is no interface named {name}; there are {', '.join(NAMES)}")
    module, cls = NAMES[name]
    made = getattr(importlib.import_module(f"pymw.interfaces.{module}"), cls)(*args, **kwargs)
    assert isinstance(made, Interface)
    return made


def interface(given: Any, workers: int | None = None) -> Interface:
    """An Interface, from what Master takes. workers: for None, the processes to start; None for one a core.

    Raises InterfaceError for what is no interface.
    """
    if given is None:
        return named("multicore", workers or os.cpu_count() or 1)
    if isinstance(given, str):
        return named(given)
    if isinstance(given, Interface):
        return given
    if isinstance(given, concurrent.futures.Executor):
        from pymw.interfaces.executor import ExecutorInterface  # noqa: PLC0415

        return ExecutorInterface(given)
    from pymw.interfaces.original import OriginalInterface  # noqa: PLC0415

    return OriginalInterface(given)
