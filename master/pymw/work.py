"""A function as the user gave it, and what travels of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from pymw import functions
from pymw.functions import CodeBundle
from pymw.options import Options
from pymw.snapshot import Snapshot

_KEPT = 128  # functions of a master whose bundles are kept; a program may make a lambda for each task


class Work:
    """A function that tasks call. Its code bundle is made when the first task needs it."""

    def __init__(self, function: Callable[..., Any], options: Options) -> None:
        self.function = function
        self._options = options
        self._bundle: CodeBundle | None = None
        self._snapshot = Snapshot(None)
        self._wider: dict[frozenset[str], CodeBundle] = {}

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[CodeBundle, bytes]:
        """The code bundle and the pickled arguments of one call. Raises FunctionError."""
        bundle = self._bundle
        if bundle is None or not self._snapshot.is_current():
            self._snapshot = Snapshot(self.function)
            self._wider.clear()
            bundle = self._bundle = self._build()
        packed, modules = bundle.pack(args, kwargs)
        return (self._with(bundle, modules) if modules else bundle), packed

    def _with(self, bundle: CodeBundle, modules: frozenset[str]) -> CodeBundle:
        """The bundle with the modules that the arguments of a call need as well."""
        if modules not in self._wider:
            self._wider[modules] = bundle.with_modules(modules)
        return self._wider[modules]

    def _build(self) -> CodeBundle:
        options = self._options
        if options.portable:
            return functions.from_source(
                self.function, options.dep_funcs, options.modules, dict(options.files), options.python
            )
        return functions.pickled(self.function, options.modules, dict(options.files))


class Works:
    """The functions of one master, so that each is bundled once however many tasks call it."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, Options], Work] = OrderedDict()

    def of(self, function: Callable[..., Any], options: Options) -> Work:
        """The Work of a function with these options."""
        key = (id(function), options)
        work = self._known.get(key)
        if work is None or work.function is not function:
            work = self._known[key] = Work(function, options)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return work
