"""What a pickle refers to by name, and so needs of the computer where it is loaded."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import cloudpickle
from cloudpickle.cloudpickle import _dynamic_class_reduce

from pymw import imports
from pymw.errors import FunctionError
from pymw.imports import Import
from pymw.modules import is_of_master
from pymw.places import Owner, needed, owner_of, spec_of

_NAMED = (FunctionType, type)


class ByValue(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle, which sends by value what modules of the master define, and not __main__ alone."""

    def reducer_override(self, obj: Any) -> Any:
        """How an object is pickled, as in pickle.Pickler."""
        reduced = super().reducer_override(obj)
        if reduced is not NotImplemented or not isinstance(obj, _NAMED) or not is_of_master(_home(obj)):
            return reduced
        return (
            self._dynamic_function_reduce(obj)
            if isinstance(obj, FunctionType)
            else _dynamic_class_reduce(obj)
        )


class References:
    """What a pickle refers to.

    modules: for each module that is referred to by name, one of the objects that do. functions: those that
    travel by value.
    """

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}
        self.functions: list[FunctionType] = []

    def meet(self, obj: Any, reduced: Any) -> None:
        """Note an object, other than a plain value, and how it is pickled."""
        kind = type(obj)
        if isinstance(obj, _NAMED):
            if reduced is NotImplemented:
                self.modules.setdefault(_home(obj), obj)
            elif isinstance(obj, FunctionType):
                self.functions.append(obj)
        elif kind is ModuleType:
            self.modules.setdefault(obj.__name__, obj)
        elif kind is BuiltinFunctionType:
            self.modules.setdefault(_home(obj), obj)
        elif kind.__module__ in sys.modules and not is_of_master(kind.__module__):
            # Its class is met as well, unless it is pickled as a name in its module, as a numpy.ufunc is.
            self.modules.setdefault(kind.__module__, kind)

    def check(self) -> None:
        """Raise FunctionError if something of PyMW's own is among it, which works on this computer alone."""
        for name, obj in self.modules.items():
            if owner_of(name, None) is Owner.MASTER:
                what = f"{name}.{obj.__qualname__}" if hasattr(obj, "__qualname__") else name
                raise FunctionError(
                    f"it refers to {what}, which stays on this computer: use plain values instead"
                )

    def imports(self) -> Iterator[tuple[Import, str]]:
        """What the functions that travel by value import, and who does."""
        for function in self.functions:
            package = function.__globals__.get("__package__") or ""
            for one in imports.of_code(function.__code__, package):
                yield one, f"the function {function.__name__}"

    def names(self) -> set[str]:
        """The user's own and the installed modules among it, and those that the functions import."""
        found = set(self.modules)
        for one, _ in self.imports():
            if not one.optional:
                found.add(one.module)
                found.update(filter(spec_of, one.taken()))
        return {name for name in map(needed, found) if name}


class _Pickler(ByValue):
    def __init__(self, file: Any, met: References) -> None:
        super().__init__(file)
        self._meet = met.meet

    def reducer_override(self, obj: Any) -> Any:
        reduced = super().reducer_override(obj)
        self._meet(obj, reduced)
        return reduced


class _PlainPickler(pickle.Pickler):
    """Protocol 2 is the newest that Python 2 reads."""

    def __init__(self, file: Any, met: References) -> None:
        super().__init__(file, 2)
        self._meet = met.meet

    def reducer_override(self, obj: Any) -> Any:
        self._meet(obj, NotImplemented)
        return NotImplemented


def _home(obj: Any) -> str:
    """The module that defines a function or class; some that are built in do not say it."""
    name = getattr(obj, "__module__", None)
    return name if isinstance(name, str) else "builtins"


def dumps(value: Any, plain: bool = False) -> tuple[bytes, References]:
    """Pickle a value by cloudpickle, or by plain pickle for any Python; and what the pickle refers to.

    Raises FunctionError for what works on this computer alone, else whatever the value's own code raises.
    """
    met = References()
    stream = io.BytesIO()
    try:
        (_PlainPickler if plain else _Pickler)(stream, met).dump(value)
    except Exception:
        met.check()  # says more than that some lock cannot be pickled
        raise
    met.check()
    return stream.getvalue(), met
