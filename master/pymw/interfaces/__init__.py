"""The interfaces: places where tasks run, by the original's names.

`generic`, `multicore`, `mpi`, `grid_simulator`, `executor` and `boinc` are modules of this package, imported
when they are first asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from pymw.interfaces.command_line import get_interface, parse_options

__all__ = ["get_interface", "parse_options"]

_MODULES = {"base", "boinc", "executor", "generic", "grid_simulator", "mpi", "multicore"}


def __getattr__(name: str) -> ModuleType:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
