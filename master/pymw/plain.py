"""Reads pickles without running anything that they name, and says in JSON what is in them.

A run's values may come from strangers, and their classes belong to a program that is not running here. So a
name in a pickle is either one of a few harmless classes of the standard library, what numpy needs for an
array, or a stand-in that only remembers what it was given.
"""

from __future__ import annotations

import _compat_pickle
import base64
import collections
import datetime
import decimal
import fractions
import io
import math
import pickle
import uuid
from collections.abc import Callable
from typing import Any

_HARMLESS: dict[str, Any] = {
    f"{cls.__module__}.{cls.__qualname__}": cls
    for cls in (
        *(set, frozenset, complex, bytearray, bytes, list, tuple, dict, int, float, str, bool, range, slice),
        *(datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone),
        *(decimal.Decimal, fractions.Fraction, uuid.UUID),
        *(collections.OrderedDict, collections.deque),
    )
}
# What numpy's arrays, numbers and types name in their pickles; numpy 2 has moved some.
_NUMPY = {
    ("multiarray", "_reconstruct"),
    ("multiarray", "scalar"),
    ("numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
MOST = 20_000_000  # parts of a value: a small pickle can stand for an endless value
_DEEPEST = 200  # values within values
# Pickles of protocol 2, which is the newest that Python 2 has, use its names.
_NAMES_OF_PYTHON_2: dict[tuple[str, str], tuple[str, str]] = _compat_pickle.NAME_MAPPING
_MODULES_OF_PYTHON_2: dict[str, str] = _compat_pickle.IMPORT_MAPPING


class NotPlain(Exception):
    """A value is too deep, or has too many parts, to be written down."""


class _Kind(type):
    """The class of stand-ins' classes: they are shown by the names that they stand for."""

    pymw_name = "object"

    def __repr__(cls) -> str:
        return cls.pymw_name


class StandIn(metaclass=_Kind):
    """An object of a class that does not exist here. given: arguments of its making. state: its attributes.

    parts: of a list or set, or pairs of a dictionary, that it is a subclass of.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> StandIn:
        made = super().__new__(cls)
        made.__dict__.update(given=[*args, *kwargs.items()], state={}, parts=[])
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Everything is done by __new__, which is all that some pickles call."""

    def __setstate__(self, state: Any) -> None:
        # Of a class with slots it is a pair: attributes, slots.
        for each in state if isinstance(state, tuple) and len(state) == 2 else [state]:
            if isinstance(each, dict):
                self.__dict__["state"].update(each)
            elif each is not None:
                self.__dict__["state"]["state"] = each

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__dict__["parts"].append((key, value))

    def append(self, part: Any) -> None:
        """Called by the pickle of a list's subclass."""
        self.__dict__["parts"].append(part)

    def extend(self, parts: Any) -> None:
        """Called by the pickle of a list's subclass."""
        self.__dict__["parts"].extend(parts)

    add = append

    def __call__(self, *args: Any) -> StandIn:
        """Called where a pickle calls what a call has made, as those of functions do."""
        return StandIn(self, *args)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        inside = self.__dict__
        words = [repr(each) for each in inside["given"]]
        words += [f"{name}={value!r}" for name, value in inside["state"].items()]
        words += [repr(part) for part in inside["parts"]]
        return f"{type(self).pymw_name}({', '.join(words)})"


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes) -> None:
        # Python 2 wrote bytes and text alike.
        super().__init__(io.BytesIO(data), encoding="latin-1")
        self._made: dict[str, type] = {}

    def find_class(self, module: str, name: str) -> Any:
        module, name = _NAMES_OF_PYTHON_2.get((module, name), (module, name))
        module = _MODULES_OF_PYTHON_2.get(module, module)
        full = f"{module}.{name}"
        if full in _HARMLESS:
            return _HARMLESS[full]
        if full in _BUILDERS:
            return _BUILDERS[full]
        if module.partition(".")[0] == "numpy" and (module.rpartition(".")[2], name) in _NUMPY:
            try:
                return super().find_class(module, name)
            except (ImportError, AttributeError):
                pass  # not installed, or another version
        if full not in self._made:
            shown = full.removeprefix("__main__.").removeprefix("builtins.")
            self._made[full] = _stand_in(shown)
        return self._made[full]


def _stand_in(name: str) -> _Kind:
    return _Kind("StandIn", (StandIn,), {"pymw_name": str(name)})


def _named_second(_: Any, name: str, *rest: Any) -> _Kind:
    """cloudpickle's makers of classes that travel by value."""
    return _stand_in(name)


def _function(*parts: Any) -> _Kind:
    """cloudpickle's maker of functions that travel by value. Their names come later."""
    return _stand_in("function")


def _name_function(function: Any, state: Any) -> None:
    _, attributes = state
    function.pymw_name = str(attributes["__name__"])


def _ignore(*parts: Any) -> None:
    """What a class that travels by value contains."""


def _encode(characters: Any, encoding: Any = "latin-1") -> bytes:
    """_codecs.encode: how protocol 2 writes bytes."""
    return str(characters).encode("latin-1" if encoding == "latin1" else "utf-8", "replace")


def _default_dict(factory: Any = None, *rest: Any) -> dict[Any, Any]:
    """defaultdict: without its factory, which could be anything."""
    return {}


def _counter(counts: Any = ()) -> dict[Any, Any]:
    return dict(counts) if isinstance(counts, dict) else {}


_CLOUDPICKLE = "cloudpickle.cloudpickle."
_BUILDERS: dict[str, Callable[..., Any]] = {
    f"{_CLOUDPICKLE}_make_skeleton_class": _named_second,
    f"{_CLOUDPICKLE}_make_skeleton_enum": _named_second,
    f"{_CLOUDPICKLE}_make_function": _function,
    f"{_CLOUDPICKLE}_class_setstate": _ignore,
    f"{_CLOUDPICKLE}_function_setstate": _name_function,
    "_codecs.encode": _encode,
    "collections.defaultdict": _default_dict,
    "collections.Counter": _counter,
}


def load(data: bytes) -> Any:
    """The value of a pickle, with stand-ins. Raises all kinds of exceptions for what is no pickle."""
    return _Reader(data).load()


class Writer:
    """Turns one value into what json.dumps takes. plain: whether it was nothing but what JSON knows."""

    def __init__(self) -> None:
        self.plain = True
        self._left = MOST

    def json(self, value: Any, depth: int = 0) -> Any:
        """Raises NotPlain."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise NotPlain("it has too many parts, or contains itself")
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        if kind is int:
            return value if value.bit_length() < 10_000 else hex(value)  # Python writes no longer ones
        if kind is float:
            return value if math.isfinite(value) else str(value)
        if kind in (list, tuple):
            return [self.json(each, depth + 1) for each in value]
        if isinstance(value, dict):
            return {self._name(name): self.json(each, depth + 1) for name, each in value.items()}
        self.plain = False
        return self._special(value, depth)

    def _name(self, key: Any) -> str:
        if isinstance(key, str):
            return key
        self.plain = self.plain and type(key) in (int, float, bool, type(None))
        return str(key) if type(key) is not bytes else key.decode("latin-1")

    def _special(self, value: Any, depth: int) -> Any:
        if isinstance(value, set | frozenset | collections.deque):
            parts = [self.json(each, depth + 1) for each in value]
            return parts if isinstance(value, collections.deque) else sorted(parts, key=_order)
        if isinstance(value, bytes | bytearray):
            return {"base64": base64.b64encode(value).decode()}
        if isinstance(value, complex):
            return {"real": self.json(value.real), "imag": self.json(value.imag)}
        if isinstance(value, datetime.timedelta):
            return value.total_seconds()
        if isinstance(value, datetime.date | datetime.time):
            return value.isoformat()
        if isinstance(value, decimal.Decimal | fractions.Fraction | uuid.UUID):
            return str(value)
        if isinstance(value, StandIn):
            return self._object(value, depth)
        if hasattr(value, "tolist") and type(value).__module__ == "numpy":
            return self.json(value.tolist(), depth + 1)
        if isinstance(value, type):
            return {"name": getattr(value, "pymw_name", value.__qualname__)}
        return str(value)

    def _object(self, value: StandIn, depth: int) -> Any:
        inside = value.__dict__
        made: dict[str, Any] = {"class": type(value).pymw_name}
        made.update(self.json(inside["state"], depth + 1))
        for name, what in (("args", inside["given"]), ("items", inside["parts"])):
            if what:
                made[name] = self.json(what, depth + 1)
        return made


def _order(part: Any) -> tuple[str, Any]:
    return (type(part).__name__, part) if isinstance(part, int | float | str) else ("~", repr(part))
