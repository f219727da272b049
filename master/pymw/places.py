"""Where a module is, and whose it is: the user's own, an installed package's, Python's, or PyMW's."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path


class Owner(Enum):
    """Whose a module is, which decides whether it is sent."""

    USER = "sent along"
    INSTALLED = "required of the volunteer's Python"
    PYTHON = "part of every Python, or brought along by the worker"
    MASTER = "PyMW's own, which stays on this computer"


_MASTER = {"pymw", "pymw_packager", "pymw_platforms"}
_WORKER = {"pymw_worker", "cloudpickle", "__main__", "__mp_main__"}
_INSTALLED = {"site-packages", "dist-packages"}
_STANDARD = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]


def top_of(name: str) -> str:
    """The first part of a module's name."""
    return name.partition(".")[0]


def prefixes(name: str) -> list[str]:
    """The packages that importing a module imports, and itself: a, a.b, a.b.c of a.b.c."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def spec_of(name: str, given: Mapping[str, Path] | None = None) -> ModuleSpec | None:
    """A module's spec, or None if there is no such module. Imports nothing.

    given: files or folders of modules that the user named by their paths.
    """
    if given and top_of(name) in given:
        if name in given:
            return _spec_at(name, given[name])
    else:
        loaded = getattr(sys.modules.get(name), "__spec__", None)
        if isinstance(loaded, ModuleSpec):
            return loaded
    parent = name.rpartition(".")[0]
    if not parent:
        return _search(name, None)
    places = locations(parent, given)
    return _search(name, places) if places else None


def locations(name: str, given: Mapping[str, Path] | None = None) -> list[str]:
    """The folders in which a package's modules are sought; none for what is no package."""
    spec = spec_of(name, given)
    return list(spec.submodule_search_locations or ()) if spec else []


def file_of(spec: ModuleSpec) -> Path | None:
    """A module's file; None for namespace packages and for parts of the interpreter."""
    return Path(spec.origin) if spec.origin is not None and spec.has_location else None


def owner_of(name: str, spec: ModuleSpec | None) -> Owner | None:
    """Whose a module is; None if it is not there. A namespace package belongs to its modules: to the user."""
    top = top_of(name)
    if top in _MASTER:
        return Owner.MASTER
    if top in _WORKER:
        return Owner.PYTHON
    if spec is None:  # `winreg` elsewhere than on Windows is no mistake
        return Owner.PYTHON if top in sys.stdlib_module_names else None
    path = file_of(spec)
    if path is None:
        return Owner.PYTHON if spec.origin is not None else Owner.USER
    if _INSTALLED & set(path.parts):
        return Owner.INSTALLED
    return Owner.PYTHON if any(path.is_relative_to(folder) for folder in _STANDARD) else Owner.USER


@lru_cache(maxsize=4096)
def needed(name: str) -> str | None:
    """What a volunteer must be given or have in order to import this module; None if nothing.

    The name itself for a module of the user's or of PyMW's, or one that is not there; that of the whole
    package ("numpy" of "numpy.linalg") for an installed one.
    """
    for prefix in prefixes(name):
        spec = spec_of(prefix)
        if spec is not None and spec.origin is None and file_of(spec) is None and top_of(name) not in _WORKER:
            continue  # a namespace package: its modules may be anybody's
        owner = owner_of(prefix, spec)
        if owner is Owner.PYTHON:
            return None
        return prefix if owner is Owner.INSTALLED else name
    return name


def _spec_at(name: str, path: Path) -> ModuleSpec | None:
    if path.is_dir():
        return spec_from_file_location(name, path / "__init__.py", submodule_search_locations=[str(path)])
    return spec_from_file_location(name, path)


def _search(name: str, places: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            found = find and find(name, places, None)
        except (ImportError, ValueError):
            continue
        except KeyError:  # a namespace package, in one that has not been imported
            found = ModuleSpec(name, None, is_package=True)
            folders = [Path(place, name.rpartition(".")[2]) for place in places or ()]
            found.submodule_search_locations = [str(folder) for folder in folders if folder.is_dir()]
        if isinstance(found, ModuleSpec):
            return found
    return None
