"""Which of a function's modules travel with it, and which must be there already.

A module of the user's own exists on no volunteer's computer: it is sent, with all that it imports. An
installed package belongs to a Python: it is required. The standard library is part of every Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec
from os import PathLike, fspath
from pathlib import Path, PurePath
from types import ModuleType

from pymw import imports, places
from pymw.errors import FunctionError
from pymw.imports import Import
from pymw.places import Owner

# How much a module is needed: it may fail to import, it is imported by some function, it is imported at once.
OPTIONAL, DEFERRED, NEEDED = 0, 1, 2


class Modules:
    """The modules that a function needs.

    shipped: bytes by path relative to the task's folder. required: names that the volunteer's Python must
    have. followed: names of the user's modules whose own imports have been followed, and how much they are
    needed: OPTIONAL, DEFERRED or NEEDED. A package is sent as a whole, but not all of it is imported.
    """

    def __init__(self) -> None:
        self.shipped: dict[str, bytes] = {}
        self.required: set[str] = set()
        self.followed: dict[str, int] = {}
        self._given: dict[str, Path] = {}

    def add(self, module: str | PathLike[str] | ModuleType) -> str:
        """Add a module given by name, by the path of its file or folder, or itself; returns its name.

        Raises FunctionError if there is no such module, or it is compiled for this computer.
        """
        if isinstance(module, ModuleType):
            module = module.__name__
        path = Path(fspath(module))
        if isinstance(module, str) and path.suffix != ".py" and len(path.parts) == 1:
            self.find(Import(module), "the function")
            owner = places.owner_of(module, places.spec_of(module))
            if owner in (Owner.PYTHON, Owner.INSTALLED):  # who names it wants to be sure of it
                self.required.add(module)
            return module
        path = path.resolve()
        self._given[path.stem] = path
        self._ship(path, path.name)
        self.find(Import(path.stem), "the function")
        return path.stem

    def find(self, wanted: Import, asker: str) -> None:
        """Add what an import needs, and what that needs. asker: who imports it, for messages.

        Raises FunctionError if something is not there, is compiled for this computer, or is PyMW's own.
        """
        todo = [(wanted, asker)]
        while todo:
            one, by = todo.pop()
            for name in self._names(one):
                for found in self._settle(name, one, by):
                    spec = places.spec_of(found, self._given)
                    for nested in _imports(found, spec) if spec else ():
                        optional, deferred = nested.optional or one.optional, nested.deferred or one.deferred
                        weakened = nested._replace(optional=optional, deferred=deferred)
                        todo.append((weakened, f"the module {found}"))

    def _names(self, one: Import) -> list[str]:
        """The modules that an import statement loads; what it takes from a module may be one."""
        return [one.module, *(name for name in one.taken() if places.spec_of(name, self._given))]

    def _settle(self, name: str, one: Import, asker: str) -> Iterator[str]:
        """Send, require, or pass over one module; yields it and its packages if they are to be followed."""
        base = self._base(name)
        spec = places.spec_of(base, self._given)
        owner = Owner.USER if places.top_of(name) in self._given else places.owner_of(base, spec)
        if owner is Owner.MASTER:
            if not (one.optional or one.deferred):  # a function of the master's may stand in what is sent
                raise FunctionError(
                    f"{asker} imports {name}, which stays on this computer: "
                    "move what a volunteer needs into a module that does not import it"
                )
        elif owner is Owner.INSTALLED:
            if not one.optional:
                self.required.add(base)
        elif owner is Owner.USER or owner is None:
            missing = places.spec_of(name, self._given) is None
            if missing and not one.optional:
                raise FunctionError(
                    f"there is no module named {name} here, which {asker} needs: "
                    "give its path, install it, or import it under `try` with `except ImportError`"
                )
            if not missing:
                yield from self._send(name, base, spec, one)

    def _base(self, name: str) -> str:
        """The module or package to be sent or required as a whole: the first that is no namespace package."""
        for prefix in places.prefixes(name):
            spec = places.spec_of(prefix, self._given)
            if spec is None or spec.origin is not None:
                return prefix
        return name

    def _send(self, name: str, base: str, spec: ModuleSpec | None, one: Import) -> Iterator[str]:
        file = places.file_of(spec) if spec else None
        if file is not None and base not in self._given:
            path = base.replace(".", "/")
            try:
                self._ship(*((file.parent, path) if file.name == "__init__.py" else (file, path + ".py")))
            except FunctionError:
                if not one.optional:
                    raise
                return
        need = OPTIONAL if one.optional else DEFERRED if one.deferred else NEEDED
        for prefix in places.prefixes(name):
            if self.followed.get(prefix, -1) < need:
                self.followed[prefix] = need
                yield prefix

    def _ship(self, path: Path, name: str) -> None:
        """Send a file, or a package's folder with all that is in it, under this name."""
        if name in self.shipped or f"{name}/__init__.py" in self.shipped:
            return
        if path.is_dir() and not (path / "__init__.py").exists():
            raise FunctionError(f"the folder {path} is no package: it has no __init__.py")
        contents = {}
        for file in _files(path):
            if file.suffix in (".so", ".pyd") or file == path.with_suffix(".pyc"):
                raise FunctionError(f"the module {file} is compiled for this computer: it runs on no other")
            try:
                contents[(PurePath(name) / file.relative_to(path)).as_posix()] = file.read_bytes()
            except OSError as error:
                raise FunctionError(f"the module {file} cannot be read: {error.strerror}") from error
        self.shipped.update(contents)


@lru_cache(maxsize=4096)
def is_of_master(name: str) -> bool:
    """Whether importing this module of the user's imports PyMW, so that no volunteer can import it.

    It is a part of the program that runs on this computer, as __main__ is, and what it defines travels by
    value.
    """
    seen: set[str] = set()
    todo = [name]
    while todo:
        for prefix in places.prefixes(todo.pop()):
            spec = places.spec_of(prefix) if prefix not in seen else None
            seen.add(prefix)
            if spec is None or places.owner_of(prefix, spec) is not Owner.USER:
                continue
            for one in _imports(prefix, spec):
                if one.optional or one.deferred:
                    continue
                if places.owner_of(one.module, None) is Owner.MASTER:
                    return True
                todo += [one.module, *one.taken()]
    return False


def _imports(name: str, spec: ModuleSpec) -> tuple[Import, ...]:
    """What a module of the user's imports."""
    file = places.file_of(spec)
    if file is None or file.suffix != ".py":
        return ()
    try:
        changed = file.stat().st_mtime_ns
        return _imports_of_file(
            file, changed, name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        )
    except (OSError, SyntaxError, ValueError) as error:
        raise FunctionError(f"the module {file} cannot be read: {error}") from error


@lru_cache(maxsize=1024)
def _imports_of_file(file: Path, changed: int, package: str) -> tuple[Import, ...]:
    return tuple(imports.of_text(file.read_bytes(), package))


def _files(path: Path) -> list[Path]:
    """A file, or all files of a folder, without hidden ones and what Python itself keeps there."""
    if not path.is_dir():
        return [path]
    found = []
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in inside)
        if not hidden and file.suffix != ".pyc" and file.is_file():
            found.append(file)
    return found
