"""Keys of functions and calls: equal in every process that runs the same script, different for other work.

A pickle is no such key. cloudpickle gives each class a random number, sets iterate in the order of
PYTHONHASHSEED, which equal strings are one object differs, and code objects name their file and lines. Here
the same objects are walked by the same pickler, but what it writes goes into a hash only, and

* text, bytes and tuples count by what they hold, not by identity;
* sets are ordered by their elements' own keys;
* code objects count without file and line numbers, functions without the path of their module;
* the numbers of classes are replaced by the order in which they are met.

Whatever is not understood makes keys differ that could be equal, never the other way round: then a task is
run once more.
"""

from __future__ import annotations

import dataclasses
import dis
import hashlib
import inspect
import marshal
import struct
from collections.abc import Callable, Iterable, Mapping
from types import CodeType, SimpleNamespace
from typing import Any

from cloudpickle.cloudpickle import _DYNAMIC_CLASS_TRACKER_BY_ID as _CLASSES

from pymw import references
from pymw.calls import are_atoms, reason
from pymw.errors import ArgumentError
from pymw.references import ByValue

# What may be written anew each time it is met: tuples, which may share so much that they would explode.
_EXPANSIONS = 1 << 22
_LONG = 256  # longer strings count by their hash
# Python 3.13 notes these in each class: a line, and a tuple in the order of PYTHONHASHSEED.
_UNSTABLE = ("__firstlineno__", "__static_attributes__")
_SORTABLE = ({str}, {bytes}, {int})

_TOKENS = {str, bytes, tuple, set, frozenset, CodeType, complex}
_TUPLE, _SET, _FROZENSET, _CODE = range(4)


def of_value(value: Any) -> bytes:
    """The key of a value that travels by cloudpickle. Raises whatever its own code raises."""
    try:
        return _hashed(value)
    except Exception:
        # A set that contains itself, or what explodes: what travels is a key, if not a lasting one.
        packed, _ = references.dumps(value)
        return hashlib.sha256(b"pickle" + packed).digest()


def of_call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
    """The key of a call's arguments. Raises ArgumentError if they cannot be pickled.

    It covers the classes and functions of the program that they refer to, but not the user's modules: these
    are in the key of the code bundle.
    """
    if are_atoms(args) and (not kwargs or (are_atoms(kwargs.values()) and are_atoms(kwargs))):
        # Version 2 of marshal knows nothing of identity.
        return hashlib.sha256(marshal.dumps((args, dict(kwargs)), 2)).digest()
    try:
        return of_value((args, dict(kwargs)))
    except Exception as error:
        raise ArgumentError(f"the arguments cannot be pickled: {reason(error)}; pass plain values") from error


def of_parts(parts: Iterable[str | bytes]) -> bytes:
    """The key of several texts and bytes together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:%s" % (len(data), data))
    return digest.digest()


def _hashed(value: Any) -> bytes:
    digest = hashlib.sha256()
    _Hasher(digest.update).dump(value)
    return digest.digest()


class _Hasher(ByValue):
    """Writes what distinguishes values, and tokens for some, as persistent ids that nobody ever loads."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        super().__init__(SimpleNamespace(write=write), protocol=5)
        self._expansions = 0
        self._classes: dict[str, int] = {}
        self._sets: dict[int, tuple[int, Any]] = {}
        self._long: dict[int, tuple[bytes, Any]] = {}

    def persistent_id(self, obj: Any) -> Any:
        """The token of an object; None to pickle it as usual, with a memo of what has been written."""
        kind = type(obj)
        if kind not in _TOKENS:
            return None
        if kind is str:
            return self._text(obj)
        if kind is bytes:
            return b"b" + obj if len(obj) <= _LONG else self._digest(obj, b"B", obj)
        if kind is tuple:
            self._expansions += 1
            if self._expansions > _EXPANSIONS:
                raise OverflowError("shares too much")
            return [_TUPLE, *obj]
        if kind is set:
            return self._set(obj)
        if kind is frozenset:
            return [_FROZENSET, *_ordered(obj)]
        if kind is CodeType:
            return [_CODE, *_code(obj)]
        return b"c" + struct.pack("<dd", obj.real, obj.imag)

    def reducer_override(self, obj: Any) -> Any:
        reduced = super().reducer_override(obj)
        if isinstance(obj, type) and isinstance(reduced, tuple) and len(reduced) == 6:
            for name in (*_UNSTABLE, *(["__doc__"] if _has_generated_text(obj) else [])):
                reduced[2][0].pop(name, None)
        return reduced

    def _function_getnewargs(self, func: Any) -> Any:
        arguments = super()._function_getnewargs(func)
        for name in ("__file__", "__path__"):  # where the script stands
            arguments[1].pop(name, None)
        return arguments

    def _text(self, text: str) -> bytes:
        if len(text) > _LONG:
            return self._digest(text, b"S", text.encode("utf-8", "surrogatepass"))
        if len(text) == 32 and text in _CLASSES:
            return b"n%d" % self._classes.setdefault(text, len(self._classes))
        return b"s" + text.encode("utf-8", "surrogatepass")

    def _digest(self, obj: Any, tag: bytes, data: bytes) -> bytes:
        known = self._long.get(id(obj))
        if known is None:
            known = self._long[id(obj)] = tag + hashlib.sha256(data).digest(), obj
        return known[0]

    def _set(self, obj: set[Any]) -> Any:
        """A set can be changed: where the same one is met again, it counts as the same."""
        known = self._sets.get(id(obj))
        if known is not None:
            return known[0]
        self._sets[id(obj)] = len(self._sets), obj
        return [_SET, *_ordered(obj)]


def _has_generated_text(cls: type) -> bool:
    """Whether it is a dataclass whose docstring shows its defaults, sets among them, as they happen to be."""
    if not dataclasses.is_dataclass(cls) or not cls.__doc__:
        return False
    return cls.__doc__ == cls.__name__ + str(inspect.signature(cls)).replace(" -> None", "")


def _ordered(elements: Iterable[Any]) -> list[Any]:
    if {type(element) for element in elements} in _SORTABLE:
        return sorted(elements)
    return sorted(elements, key=_hashed)


def _code(code: CodeType) -> list[Any]:
    """What a code object does, without where it stands."""
    steps = _steps(code) if set(_UNSTABLE) & set(code.co_names) else [code.co_code, code.co_consts]
    return [
        code.co_name,
        getattr(code, "co_qualname", None),
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        steps,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        getattr(code, "co_exceptiontable", None),
    ]


def _steps(code: CodeType) -> list[Any]:
    """The instructions of a class's body with their constants, but for those that say where it stands."""
    steps: list[Any] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname == "EXTENDED_ARG":  # contained in the argument of the next one
            continue
        if instruction.opname == "STORE_NAME" and instruction.argval in _UNSTABLE:
            steps.pop()
        of_constant = instruction.opcode in dis.hasconst
        steps.append((instruction.opcode, instruction.argval if of_constant else instruction.arg))
    return steps
