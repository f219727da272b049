"""From a function to the code bundle that a volunteer downloads. docs/formats.md describes the file.

Two forms: `pickled` takes any function as it is and needs the same minor version of Python on the volunteer;
`from_source` sends the function's text and runs under a range of versions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
from pymw_worker import arguments, bundle, container
from pymw_worker.errors import FormatError

from pymw import calls, keys, references, signing
from pymw.calls import Call
from pymw.errors import ArgumentError, FunctionError
from pymw.imports import Import
from pymw.modules import DEFERRED, Modules
from pymw.sources import source_of

ModuleLike = str | PathLike[str] | ModuleType
Files = Mapping[str, str | PathLike[str]] | Iterable[str | PathLike[str]]

_MODULES, _FILES = "modules/", "files/"


@dataclass(frozen=True)
class CodeBundle:
    """A function with all that it needs, as the bytes that travel.

    entry: the function's name. form: `bundle.PICKLE` or `bundle.SOURCE`. python: the versions of Python that
    can run it, as the launcher's `--python` takes them. digest: SHA-256 of the manifest, in hexadecimal.
    identity: the key of the function alone. modules: names of the user's modules in it, and of the modules
    that it requires.
    """

    entry: str
    form: str
    python: str
    data: bytes = field(repr=False)
    digest: str
    identity: bytes = field(repr=False)
    modules: frozenset[str] = field(repr=False)

    @cached_property
    def key(self) -> bytes:
        """32 bytes that are the same in every process that makes this bundle of the same script and files."""
        box = container.read(self.data, bundle.KIND)
        parts = [self.entry, self.form, self.python, box.facts.get("requires", ""), self.identity]
        for name, member in sorted(box.members.items()):
            if name != "function":
                parts += [name, member.digest]
        return keys.of_parts(parts)

    def pack(self, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Call:
        """Pickle the arguments of one call.

        If the call's `modules` are not empty, the call needs the bundle `with_modules(call.modules)`. Raises
        ArgumentError for arguments that cannot be sent.
        """
        return calls.pack(self.entry, args, kwargs or {}, self.modules, self.form == bundle.SOURCE)

    def signed(self, key: signing.Key) -> CodeBundle:
        """The same bundle with a signature, for volunteers. Raises KeyFileError."""
        return replace(self, data=signing.sign(self.data, key))

    def arguments_file(self, task: str, pickle: bytes, run: str = "") -> bytes:
        """The arguments file of a call that has been packed; for volunteers it is to be signed.

        task, run: the master's names of the task and of the run that it is part of.
        """
        return bytes(arguments.pack(self.digest, task, pickle, run))

    def arguments(
        self, task: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> bytes:
        """The arguments file of one call. Raises ArgumentError for arguments that cannot be sent."""
        call = self.pack(tuple(args), kwargs)
        if call.modules:
            raise ArgumentError(
                f"the arguments of {self.entry} need {', '.join(sorted(call.modules))}, "
                "which its code bundle lacks: name it in `modules`"
            )
        return self.arguments_file(task, call.pickle)

    def with_modules(self, names: Iterable[str]) -> CodeBundle:
        """The same function with these modules sent along or required as well. Raises FunctionError."""
        box = container.read(self.data, bundle.KIND)
        contents = {name: box.read(name) for name in box.members}
        needed = Modules()
        needed.shipped.update(_below(_MODULES, contents))
        needed.required.update(bundle.read(self.data).requires)
        for name in sorted(names):
            needed.find(Import(name), f"a call of {self.entry}")
        made = _bundle(
            needed,
            _below(_FILES, contents),
            self.entry,
            self.form,
            self.python,
            self.identity,
            function=contents["function"],
            cloudpickle=box.facts.get("cloudpickle"),
        )
        return replace(made, modules=made.modules | self.modules)


def pickled(
    function: Callable[..., Any], modules: Iterable[ModuleLike] = (), files: Files = ()
) -> CodeBundle:
    """Bundle a function by cloudpickle, for volunteers with this very minor version of Python.

    The modules that it refers to and imports are found: the user's own are sent along with what they import,
    installed ones are required of the volunteer's Python. modules: names, paths or modules that cannot be
    found so, such as those that it imports by a computed name.
    files: data files, put into the task's current folder: paths, or a mapping of the names there to paths.
    Raises FunctionError.
    """
    needed = Modules()
    for module in modules:
        needed.add(module)
    entry = _name(function)
    try:
        data, met = references.dumps(function)
        identity = keys.of_value(function)
    except Exception as error:
        raise FunctionError(f"the function {entry} cannot be pickled: {calls.reason(error)}") from error
    for name in met.modules:
        needed.find(Import(name), f"the function {entry}")
    for one, asker in met.imports():
        needed.find(one, asker)
    python = "{}.{}".format(*sys.version_info[:2])
    version = cloudpickle.__version__
    contents = _read(files)
    return _bundle(
        needed, contents, entry, bundle.PICKLE, python, identity, function=data, cloudpickle=version
    )


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
    identity = keys.of_parts([data])
    return _bundle(needed, _read(files), _name(function), bundle.SOURCE, python, identity, function=data)


def _bundle(
    needed: Modules,
    files: Mapping[str, bytes],
    entry: str,
    form: str,
    python: str,
    identity: bytes,
    **contents: Any,
) -> CodeBundle:
    try:
        contents.update(modules=needed.shipped, files=files, requires=needed.required)
        data = bundle.pack(form, entry, python, **contents)
        digest = bundle.read(data).digest
    except FormatError as error:
        raise FunctionError(f"the function {entry} cannot be bundled: {error}") from error
    followed = {name for name, need in needed.followed.items() if need >= DEFERRED}
    return CodeBundle(entry, form, python, data, digest, identity, frozenset(followed | needed.required))


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _below(folder: str, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix(folder): data for name, data in contents.items() if name.startswith(folder)}


def _read(files: Files) -> dict[str, bytes]:
    named = files if isinstance(files, Mapping) else {Path(path).name: path for path in files}
    contents = {}
    for name, path in named.items():
        try:
            contents[name] = Path(path).read_bytes()
        except OSError as error:
            raise FunctionError(f"the data file {path} cannot be read: {error.strerror}") from error
    return contents
