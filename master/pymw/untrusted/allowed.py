"""Instances of the classes that the user allows, made without calling a method of theirs.

An instance is made by the built-in class below its own and given its attributes; __new__, __init__,
__reduce__, __setstate__, properties and __setattr__ are passed over. A class that needs one of these cannot
be read.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable
from types import FunctionType
from typing import Any

from pymw.untrusted import exceptions
from pymw.untrusted.hashing import Hashing
from pymw.untrusted.structure import slots_of
from pymw.untrusted.tokens import refused

Key = tuple[str, str]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that Python code has made
_VALUES = (int, float, complex, str, bytes)
_FILLED = (object, list, dict, set)
_METHODS = (FunctionType, classmethod, staticmethod, property)
_OF_DATACLASS = getattr(dataclasses, "_dataclass_setstate", None)


class Allowed:
    """The classes that a user allows, by module and name."""

    def __init__(self, classes: Iterable[type]) -> None:
        self._classes: dict[Key, type] = {}
        self._bases: dict[type, type] = {}
        self._needs: dict[type, frozenset[str]] = {}
        for cls in classes:
            if not isinstance(cls, type):
                raise TypeError(f"allow takes classes, not {cls!r}")
            self._bases[cls] = _built_in_base(cls)
            self._needs[cls] = _fields(cls)
            self._classes[cls.__module__, cls.__qualname__] = cls

    def find(self, key: Key) -> type | None:
        """The class of this name, if it is allowed."""
        return self._classes.get(key)

    def has(self, cls: type) -> bool:
        """Whether the class is allowed."""
        return cls in self._bases

    def needs(self, cls: type) -> frozenset[str]:
        """The attributes that an instance cannot do without: the fields of a dataclass."""
        return self._needs[cls]

    def member(self, key: Key, name: str) -> Any:
        """The member of an allowed enumeration by its name, or None."""
        cls = self._classes.get(key)
        if cls is None or not issubclass(cls, enum.Enum):
            return None
        return cls.__members__.get(name)

    def new(self, cls: type, args: tuple[Any, ...]) -> Any:
        """An instance as __new__ makes it. Raises UntrustedResult, TypeError."""
        base: Any = self._bases[cls]
        if issubclass(cls, enum.Enum):
            return _enum_member(cls, args)
        if issubclass(cls, BaseException):
            return base.__new__(cls, *args)
        if base is tuple:
            return _tuple(cls, args)
        if base in _VALUES and len(args) == 1 and type(args[0]) is base:
            return base.__new__(cls, args[0])  # type: ignore[arg-type]
        if base in _FILLED and not args:
            return base.__new__(cls)
        raise refused(_name(cls), "with arguments for its __new__")

    def call(self, cls: type, args: tuple[Any, ...], hashing: Hashing) -> Any:
        """An instance of a class that pickles as a call of itself. Raises UntrustedResult, TypeError."""
        if issubclass(cls, enum.Enum | BaseException):
            return self.new(cls, args)
        if self._bases[cls] is set and len(args) == 1 and type(args[0]) is list:
            made: Any = set.__new__(cls)
            hashing.fill_set(made, args[0])
            return made
        raise refused(_name(cls), "by a call of it, as its __reduce__ wants")

    def complete(self, made: Any, state: Any) -> None:
        """Give an instance its attributes. Raises UntrustedResult, TypeError."""
        cls = type(made)
        if isinstance(made, BaseException):
            exceptions.complete(made, state)
            return
        own = getattr(cls, "__setstate__", None)
        if own is not None and own is not _OF_DATACLASS:
            raise refused(f"{_name(cls)}.__setstate__")
        if own is not None and type(state) in (list, tuple):
            names = [field.name for field in dataclasses.fields(cls)]
            state = dict(zip(names, state, strict=True))
        parts = state if type(state) is tuple and len(state) == 2 else (state,)
        attributes: dict[str, Any] = {}
        for part in parts:
            if part is not None and (type(part) is not dict or not {str}.issuperset(map(type, part))):
                raise refused(f"{_name(cls)}.__setstate__")
            attributes.update(part or {})
        if missing := self._needs[cls] - attributes.keys():
            raise AttributeError(f"{_name(cls)} has no {min(missing)}")
        _set_attributes(made, attributes)


def _fields(cls: type) -> frozenset[str]:
    if not dataclasses.is_dataclass(cls):
        return frozenset()
    return frozenset(field.name for field in dataclasses.fields(cls) if field.init)


def _set_attributes(made: Any, attributes: dict[str, Any]) -> None:
    cls = type(made)
    slots = slots_of(cls)
    for name, value in attributes.items():
        if name in slots:
            slots[name].__set__(made, value)
        elif name.startswith("__") or _is_method(cls, name):
            raise refused(f"{_name(cls)}.{name}")
        else:
            object.__getattribute__(made, "__dict__")[name] = value


def _is_method(cls: type, name: str) -> bool:
    """Whether an attribute of this name would stand in for a method."""
    return any(isinstance(base.__dict__.get(name), _METHODS) for base in cls.__mro__)


def _enum_member(cls: type[enum.Enum], args: tuple[Any, ...]) -> Any:
    for member in cls.__members__.values():
        if len(args) == 1 and type(args[0]) is type(member._value_) and args[0] == member._value_:
            return member
    raise refused(_name(cls), f"of {str(args)[:40]}")


def _tuple(cls: type, args: tuple[Any, ...]) -> Any:
    fields = getattr(cls, "_fields", None)
    if fields is not None:
        if len(args) != len(fields):
            raise TypeError(f"{len(args)} fields of {_name(cls)}")
        return tuple.__new__(cls, args)
    if len(args) != 1 or type(args[0]) is not tuple:
        raise TypeError(f"no contents of {_name(cls)}")
    return tuple.__new__(cls, args[0])


def _built_in_base(cls: type) -> type:
    """The built-in class that decides how instances look in memory. Raises TypeError for one of no use."""
    base: Any = cls
    while base.__flags__ & _HEAP_TYPE:
        base = base.__base__
    if issubclass(base, Exception) or issubclass(cls, enum.Enum) or base in (*_VALUES, *_FILLED, tuple):
        return base  # type: ignore[no-any-return]
    raise TypeError(f"{_name(cls)} cannot be allowed: it is built on {_name(base)}, which is not read")


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
