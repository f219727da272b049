"""From a function to the code bundle that a volunteer downloads. docs/formats.md describes the file.

Two forms: `pickled` takes any function as it is and needs the same minor version of Python on the volunteer;
`from_source` sends the function's text and runs under a range of versions.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
from pymw_worker import arguments, bundle
from pymw_worker.errors import FormatError

from pymw.errors import ArgumentError, FunctionError
from pymw.modules import Modules
from pymw.sources import source_of

ModuleLike = str | PathLike[str] | ModuleType
Files = Mapping[str, str | PathLike[str]] | Iterable[str | PathLike[str]]


@dataclass(frozen=True)
class CodeBundle:
    """A function with all that it needs, as the bytes that travel.

    entry: the function's name. form: `bundle.PICKLE` or `bundle.SOURCE`. python: the versions of Python that
    can run it, as the launcher's `--python` takes them. digest: SHA-256 of the manifest, in hexadecimal.
    """

    entry: str
    form: str
    python: str
    data: bytes = field(repr=False)
    digest: str

    @property
    def key(self) -> bytes:
        """The identity of the function. Stands in for the real one."""
        return bytes.fromhex(self.digest)

    def pack(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        """The pickled arguments of one call. Raises ArgumentError."""
        call = (tuple(args), dict(kwargs))
        try:
            # Protocol 2 is the newest that Python 2 reads.
            return cloudpickle.dumps(call) if self.form == bundle.PICKLE else pickle.dumps(call, 2)
        except Exception as error:
            raise ArgumentError(f"the arguments of {self.entry} cannot be pickled: {error}") from error

    def arguments_file(self, task: str, call: bytes) -> bytes:
        """The arguments file of one call, from what `pack` returned."""
        return bytes(arguments.pack(self.digest, task, call))

    def arguments(
        self, task: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> bytes:
        """The arguments file of one call. Raises ArgumentError for arguments that cannot be pickled."""
        return self.arguments_file(task, self.pack(args, kwargs or {}))


def pickled(
    function: Callable[..., Any], modules: Iterable[ModuleLike] = (), files: Files = ()
) -> CodeBundle:
    """Bundle a function by cloudpickle, for volunteers with this very minor version of Python.

    modules: names, paths or modules that the function imports. Those that are installed are required of the
    volunteer's Python; those of the user's own are sent along, as is the module that defines the function.
    files: data files, put into the task's current folder: paths, or a mapping of the names there to paths.
    Raises FunctionError.
    """
    needed = Modules()
    for module in modules:
        needed.add(module)
    home = getattr(function, "__module__", None) or "__main__"
    if home not in ("__main__", "builtins"):
        needed.add(home)
    entry = _name(function)
    try:
        data = cloudpickle.dumps(function)
    except Exception as error:
        raise FunctionError(f"the function {entry} cannot be pickled: {error}") from error
    python = "{}.{}".format(*sys.version_info[:2])
    version = cloudpickle.__version__
    return _bundle(needed, files, entry, bundle.PICKLE, python, function=data, cloudpickle=version)


def from_source(
    function: Callable[..., Any],
    dep_funcs: Iterable[Callable[..., Any]] = (),
    modules: Iterable[ModuleLike] = (),
    files: Files = (),
    python: str = "3.6-",
) -> CodeBundle:
    """Bundle a function by its source, for volunteers with any Python of a range.

    dep_funcs: other functions and classes of the same program that it calls. modules, files: as in `pickled`;
    modules that the program has imported and the function uses need not be named. python: the versions under
    which the source means the same, such as "2.7-3.12" or "3.6-". Raises FunctionError.
    """
    needed = Modules()
    names = [needed.add(module) for module in modules]
    source = source_of(function, dep_funcs, names, needed)
    data = ("# -*- coding: utf-8 -*-\n" + source).encode()
    return _bundle(needed, files, _name(function), bundle.SOURCE, python, function=data)


def _bundle(needed: Modules, files: Files, entry: str, form: str, python: str, **contents: Any) -> CodeBundle:
    try:
        contents.update(modules=needed.shipped, files=_read(files), requires=needed.required)
        data = bundle.pack(form, entry, python, **contents)
        digest = bundle.read(data).digest
    except FormatError as error:
        raise FunctionError(f"the function {entry} cannot be bundled: {error}") from error
    return CodeBundle(entry, form, python, data, digest)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _read(files: Files) -> dict[str, bytes]:
    named = files if isinstance(files, Mapping) else {Path(path).name: path for path in files}
    contents = {}
    for name, path in named.items():
        try:
            contents[name] = Path(path).read_bytes()
        except OSError as error:
            raise FunctionError(f"the data file {path} cannot be read: {error.strerror}") from error
    return contents
