"""What may be asked for a task besides its function and arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from types import ModuleType
from typing import Any

ModuleLike = str | PathLike[str] | ModuleType
Files = Mapping[str, str | PathLike[str]] | Iterable[str | PathLike[str]]


@dataclass(frozen=True)
class Options:
    """What may be asked for a task; the keyword arguments of Master and Master.options.

    timeout: seconds that the task may run, None for no limit. retries: how often it is tried again if it
    fails in whatever way. priority: higher ones are started first. portable: send the function's source, for
    workers with other versions of Python. python: the versions under which that source means the same, such
    as "2.7-3.12". modules: modules to send along or require, beyond those that are found. dep_funcs: with
    portable, functions and classes of the program that the function calls. files: data files for the task's
    current folder: paths, or a mapping of the names there to paths.
    """

    timeout: float | None = None
    retries: int = 0
    priority: int = 0
    portable: bool = False
    python: str = "3.6-"
    modules: tuple[ModuleLike, ...] = ()
    dep_funcs: tuple[Callable[..., Any], ...] = ()
    files: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout is {self.timeout}: it must be a number of seconds above 0, or None")
        if self.retries < 0:
            raise ValueError(f"retries is {self.retries}: it must be 0 or more")

    def changed(self, **changes: Any) -> Options:
        """These options with some of them changed. Raises TypeError for a name that there is not."""
        for name, tidy in _TIDY.items():
            if name in changes:
                changes[name] = tidy(changes[name])
        try:
            return dataclasses.replace(self, **changes)
        except TypeError:
            known = {field.name for field in dataclasses.fields(self)}
            unknown = sorted(set(changes) - known)
            raise TypeError(
                f"there is no option {unknown[0]}; there are {', '.join(sorted(known))}"
            ) from None


def _named(files: Files) -> tuple[tuple[str, str], ...]:
    """Pairs of the name in the task's folder and the path here."""
    if isinstance(files, str | PathLike):
        files = (files,)
    if isinstance(files, Mapping):
        return tuple((name, str(path)) for name, path in files.items())
    return tuple((str(path).replace("\\", "/").rpartition("/")[2], str(path)) for path in files)


def _several(values: Any) -> tuple[Any, ...]:
    return (values,) if isinstance(values, str | PathLike | ModuleType) or callable(values) else tuple(values)


_TIDY: dict[str, Callable[[Any], Any]] = {"modules": _several, "dep_funcs": _several, "files": _named}
