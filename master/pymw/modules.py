"""Which of a function's modules travel with it, and which must be there already.

A module of the user's own exists on no volunteer's computer: it is sent. A module of the standard library or of
an installed package belongs to a Python: it is required.
"""

from __future__ import annotations

import importlib.util
import site
import sys
import sysconfig
from importlib.machinery import ModuleSpec
from os import PathLike, fspath
from pathlib import Path
from types import ModuleType

import pymw_worker

from pymw.errors import FunctionError


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
        if not isinstance(module, str) or path.suffix == ".py" or len(path.parts) > 1:
            self._ship(path.resolve())
            return path.stem
        self._add_named(module)
        return module

    def _add_named(self, name: str) -> None:
        top = name.partition(".")[0]
        spec = _spec(top)
        places = [Path(place) for place in spec.submodule_search_locations or ()]
        if spec.origin not in (None, "built-in", "frozen") and not places:
            places = [Path(str(spec.origin))]
        if not places or _is_installed(places[0]):
            self.required.add(name)
        else:
            self._ship(places[0])

    def _ship(self, path: Path) -> None:
        try:
            if path.is_dir():
                files = [file for file in sorted(path.rglob("*")) if file.is_file()]
                self._check_package(path)
            else:
                files = [path]
            for file in files:
                relative = file.relative_to(path.parent)
                if "__pycache__" not in relative.parts:
                    self._check_file(file)
                    self.shipped[relative.as_posix()] = file.read_bytes()
        except OSError as error:
            raise FunctionError(f"the module {path} cannot be read: {error.strerror}") from error

    def _check_package(self, path: Path) -> None:
        if not (path / "__init__.py").exists():
            raise FunctionError(f"the folder {path} is no package: it has no __init__.py")

    def _check_file(self, file: Path) -> None:
        if file.suffix in (".so", ".pyd"):
            raise FunctionError(
                f"the module {file} is compiled for this computer: package it for the volunteers' platforms"
            )


def _spec(name: str) -> ModuleSpec:
    loaded = sys.modules.get(name)
    spec = getattr(loaded, "__spec__", None)
    try:
        found = spec or importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise FunctionError(f"there is no module named {name} here: give its path, or install it")
    return found


def _is_installed(path: Path) -> bool:
    """Whether it belongs to a Python, or to the worker, which brings itself along."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [site.getusersitepackages(), str(Path(pymw_worker.__file__).parent)]
    return any(path.resolve().is_relative_to(Path(folder).resolve()) for folder in folders)
