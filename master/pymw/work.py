"""A function as the user gave it, and what travels of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymw import functions
from pymw.functions import CodeBundle
from pymw.options import Options


class Work:
    """A function that tasks call. Its code bundle is made when the first task needs it."""

    def __init__(self, function: Callable[..., Any], options: Options) -> None:
        self.function = function
        self._options = options
        self._bundle: CodeBundle | None = None

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[CodeBundle, bytes]:
        """The code bundle and the pickled arguments of one call. Raises FunctionError."""
        if self._bundle is None:
            self._bundle = self._build()
        return self._bundle, self._bundle.pack(args, kwargs)

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
        self._known: dict[tuple[int, Options], Work] = {}

    def of(self, function: Callable[..., Any], options: Options) -> Work:
        """The Work of a function with these options."""
        key = (id(function), options)
        work = self._known.get(key)
        if work is None or work.function is not function:
            work = self._known[key] = Work(function, options)
        return work
