"""Which of a function's modules travel with it, and which must be there already.

A module of the user's own exists on no volunteer's computer: it is sent. A module of the standard library or
of an installed package belongs to a Python: it is required.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from importlib.machinery import ModuleSpec
from os import PathLike, fspath
from pathlib import Path, PurePath
from types import ModuleType

import pymw_worker

from pymw.errors import FunctionError

_INSTALLED = {"site-packages", "dist-packages"}


class Modules:
    """The modules that a function needs.

    shipped: bytes by path relative to the task's folder. required: names that the volunteer's Python must
    have.
    """

    def __init__(self) -> None:
        self.shipped: dict[str, bytes] = {}
        self.required: set[str] = set()

    def add(self, module: str | PathLike[str] | ModuleType) -> str:
        """Add a module given by name, by the path of its file or folder, or itself; returns its name.

        Raises FunctionError if there is no such module, or it is compiled for this computer.
        """
        if isinstance(module, ModuleType):
            module = module.__name__
        path = Path(fspath(module))
        if isinstance(module, str) and path.suffix != ".py" and len(path.parts) == 1:
            self._add_named(module)
            return module
        self._ship(path.resolve(), path.resolve().name)
        return path.stem

    def _add_named(self, name: str) -> None:
        top = name.partition(".")[0]
        path = _place(_spec(top))
        if path is None or _is_installed(path):
            self.required.add(name)
        elif path.name == "__init__.py":
            self._ship(path.parent, top)
        elif path.is_dir():  # a namespace package: its other modules may be anything
            self._ship(_place(_spec(name)) or path, name.replace(".", "/") + ".py")
        else:
            self._ship(path, path.name)

    def _ship(self, path: Path, name: str) -> None:
        """Send a file, or a package's folder with all that is in it, under this name."""
        if path.is_dir() and not (path / "__init__.py").exists():
            raise FunctionError(f"the folder {path} is no package: it has no __init__.py")
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        for file in files:
            if file.suffix in (".so", ".pyd"):
                raise FunctionError(f"the module {file} is compiled for this computer: it runs on no other")
            if file.suffix != ".pyc":
                try:
                    self.shipped[(PurePath(name) / file.relative_to(path)).as_posix()] = file.read_bytes()
                except OSError as error:
                    raise FunctionError(f"the module {file} cannot be read: {error.strerror}") from error


def _spec(name: str) -> ModuleSpec:
    loaded: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    try:
        found = loaded or importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise FunctionError(f"there is no module named {name} here: give its path, or install it")
    return found


def _place(spec: ModuleSpec) -> Path | None:
    """The file of a module, the folder of a namespace package, None for a part of the interpreter."""
    if spec.origin is None:
        return next((Path(place) for place in spec.submodule_search_locations or ()), None)
    return Path(spec.origin) if spec.has_location else None


def _is_installed(path: Path) -> bool:
    """Whether it belongs to a Python, or to the worker, which brings itself along."""
    folders = [
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        Path(pymw_worker.__file__).parent,
    ]
    return bool(_INSTALLED & set(path.parts)) or any(path.is_relative_to(str(folder)) for folder in folders)
