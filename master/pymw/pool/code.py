"""From a code bundle to a function that can be called, in a process that calls many functions."""

from __future__ import annotations

import importlib.util
import linecache
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymw_worker import bundle, container, text
from pymw_worker.errors import FormatError

_MODULES, _FILES = "modules/", "files/"
_KEPT = 200  # loaded functions that a process remembers
_known: dict[str, Code] = {}
_scratch: list[tempfile.TemporaryDirectory[str]] = []


class Unloadable(Exception):
    """A function cannot be loaded. kind: "python", "module" or "", as pymw.results tells them apart."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Missing(Exception):
    """The code bundle has not been sent to this process yet."""


class Code:
    """A loaded function. portable: its values are to be written in the way of volunteers' workers."""

    def __init__(self, data: bytes, digest: str, scratch: str | None) -> None:
        self._bundle = bundle.read(data)
        names = container.read(data, bundle.KIND).members
        self.portable = self._bundle.form == bundle.SOURCE
        self._scratch = scratch
        self._digest = digest[:16]
        self._has_files = any(name.startswith(_FILES) for name in names)
        self._folder: Path | None = None
        self._snapshot: set[tuple[str, int, int]] = set()
        _check(self._bundle)
        self._offer_modules([name[len(_MODULES) :] for name in names if name.startswith(_MODULES)])
        with self.place():
            self.function = _load(self._bundle)

    @contextmanager
    def place(self) -> Iterator[None]:
        """In a folder with the data files as they were sent, if there are any; else where we are."""
        if not self._has_files:
            yield
            return
        folder = self._fresh_folder()
        home = Path.cwd()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(home)

    def _fresh_folder(self) -> Path:
        """The folder, unpacked again if the last task changed anything in it."""
        if self._folder is None or _snapshot(self._folder) != self._snapshot:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = Path(tempfile.mkdtemp(prefix=f"{self._digest}-", dir=_place(self._scratch)))
            self._bundle.unpack(str(self._folder))
            self._snapshot = _snapshot(self._folder)
        return self._folder

    def _offer_modules(self, paths: list[str]) -> None:
        """Make the modules that were sent importable, for what cannot be imported anyway."""
        tops = {path.partition("/")[0].removesuffix(".py") for path in paths}
        if all(_importable(name) for name in tops):
            return
        folder = tempfile.mkdtemp(prefix=f"{self._digest}-modules-", dir=_place(self._scratch))
        self._bundle.unpack(folder)
        sys.path.append(folder)
        importlib.invalidate_caches()


def load(digest: str, data: bytes | None, scratch: str | None = None) -> Code:
    """The function of a code bundle; loaded once in a process.

    data: None if the process should know it. scratch: a folder for what is unpacked, None to make one.
    Raises Unloadable, Missing, MemoryError.
    """
    code = _known.get(digest)
    if code is None:
        if data is None:
            raise Missing(digest)
        try:
            code = Code(data, digest, scratch)
        except (FormatError, OSError) as error:
            raise Unloadable(f"the function's code bundle cannot be used: {text.reason(error)}") from error
        if len(_known) >= _KEPT:
            del _known[next(iter(_known))]
        _known[digest] = code
    return code


def knows(digest: str) -> bool:
    """Whether this process has loaded this code bundle."""
    return digest in _known


def _check(code: Any) -> None:
    """Raise Unloadable unless this Python can run the bundle."""
    here = "{}.{}".format(*sys.version_info[:2])
    if not bundle.accepts(code.python):
        raise Unloadable(
            f"the function {code.entry} needs Python {code.python}, the worker's is {here}", "python"
        )
    for name in code.requires:
        try:
            __import__(name)
        except Exception as error:
            raise Unloadable(
                f"the function {code.entry} needs the module {name}, which the worker's Python {here} "
                f"cannot import: {text.reason(error)}",
                "module",
            ) from error


def _load(code: Any) -> Callable[..., Any]:
    try:
        is_pickle = code.form == bundle.PICKLE
        function: Callable[..., Any] = pickle.loads(code.function()) if is_pickle else _run_source(code)
    except (MemoryError, Unloadable):
        raise
    except ModuleNotFoundError as error:
        raise Unloadable(
            f"the function {code.entry} needs a module: {text.reason(error)}", "module"
        ) from error
    except Exception as error:
        raise Unloadable(
            f"the function {code.entry} cannot be loaded: {type(error).__name__}: {text.reason(error)}"
        ) from error
    return function


def _run_source(code: Any) -> Any:
    source, path = code.function(), code.entry + ".py"
    lines = source.decode("utf-8", "replace").splitlines(True)
    linecache.cache[path] = (len(source), None, lines, path)  # so that tracebacks show them
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    exec(compile(source, path, "exec", 0, True), namespace)
    if code.entry not in namespace:
        raise Unloadable(f"the code bundle's source does not define {code.entry}")
    return namespace[code.entry]


def _importable(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _place(scratch: str | None) -> str:
    """A folder for what is unpacked; one of our own goes away at the end of the process."""
    if scratch is not None:
        return scratch
    if not _scratch:
        _scratch.append(tempfile.TemporaryDirectory(prefix="pymw-", ignore_cleanup_errors=True))
    return _scratch[0].name


def _snapshot(folder: Path) -> set[tuple[str, int, int]]:
    """What tells whether something in the folder has changed."""
    found = set()
    for path in folder.rglob("*"):
        status = path.lstat()
        found.add((str(path), status.st_size, status.st_mtime_ns))
    return found
