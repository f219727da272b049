"""numpy's scalars and arrays, from checked dtypes and exactly the bytes that they need. Never of objects."""

from __future__ import annotations

import importlib
import math
import re
from functools import lru_cache
from typing import Any

from pymw.errors import UntrustedResult
from pymw.untrusted.tokens import Arguments, DType, Name, refused

# Any: this program does well without numpy. It is imported because it is there, never because of a pickle.
numpy: Any
try:
    numpy = importlib.import_module("numpy")
except ImportError:
    numpy = None

_CODE = re.compile(r"b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)|[mM]8|[SUV]\d{1,9}", re.ASCII)
_UNITS = frozenset(["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic"])
_ORDERS = "<>|="
_MAX_DIMENSIONS = 64
_MAX_FIELDS = 10_000
_INT_MAX = (1 << 31) - 1

RECONSTRUCT = ("numpy._core.multiarray", "_reconstruct")
SCALAR = ("numpy._core.multiarray", "scalar")
FROM_BUFFER = ("numpy._core.numeric", "_frombuffer")
DTYPE = ("numpy", "dtype")


def dtype(code: Any, align: Any = False, copy: Any = True) -> DType:
    """A dtype by its code, such as f8, U5 or V16. Raises UntrustedResult."""
    if type(code) is not str or not _CODE.fullmatch(code):
        raise refused("numpy.dtype", f"of {str(code)[:40]!r}")
    return DType(code, _plain(code, "="))


@lru_cache(256)
def _plain(code: str, order: str) -> Any:
    """A dtype without fields, unit or shape. There are few, and each scalar in a list brings its own."""
    return numpy.dtype(code).newbyteorder(order)


def complete_dtype(made: DType, state: Any) -> None:
    """Give a dtype its byte order, unit, fields or shape. Raises UntrustedResult, ValueError, TypeError."""
    _version, order, base, names, fields, size, alignment, _flags, *rest = state
    if order not in _ORDERS or len(order) != 1:
        raise ValueError("no byte order")
    if names is not None:
        made.value = _structure(names, fields, size, alignment)
    elif base is not None:
        inner, shape = base
        made.value = numpy.dtype((_checked(inner), _shape(shape)))
    elif made.code[0] in "mM":
        made.value = numpy.dtype(f"{made.code}{_unit(rest)}").newbyteorder(order)
    elif made.code[0] not in "SV":
        made.value = _plain(made.code, order)


def _structure(names: Any, fields: Any, size: Any, alignment: Any) -> Any:
    if type(names) is not tuple or type(fields) is not dict or not 0 < len(names) <= _MAX_FIELDS:
        raise ValueError("no fields")
    formats, offsets, titles = [], [], []
    for name in names:
        inner, offset, *title = fields[name]
        formats.append(_checked(inner))
        offsets.append(offset)
        titles.append(title[0] if title else None)
    if not {int}.issuperset(map(type, (size, alignment, *offsets))):
        raise ValueError("no offsets")
    if not {str}.issuperset(map(type, names)) or not {str, type(None)}.issuperset(map(type, titles)):
        raise ValueError("no names of fields")
    made = {"names": list(names), "formats": formats, "offsets": offsets, "itemsize": size}
    if any(titles):
        made["titles"] = titles
    return numpy.dtype(made, align=alignment > 1)


def _unit(rest: list[Any]) -> str:
    """The unit of a datetime64 or timedelta64, such as [25s]."""
    if not rest:
        return ""
    _metadata, (unit, count, numerator, denominator) = rest[0]
    name = unit.decode("ascii") if type(unit) is bytes else unit
    if name not in _UNITS or (numerator, denominator) != (1, 1) or type(count) is not int:
        raise ValueError("no unit of time")
    return "" if name == "generic" else f"[{count}{name}]"


def _checked(found: Any) -> Any:
    if not isinstance(found, numpy.dtype) or found.hasobject:
        raise refused("numpy.dtype", "of something else than a dtype")
    return found


def _shape(shape: Any) -> tuple[int, ...]:
    if type(shape) is not tuple or not {int}.issuperset(map(type, shape)) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError("no shape")
    if not all(0 <= length <= _INT_MAX << 31 for length in shape):
        raise ValueError("no shape")
    return shape


def scalar(kind: Any, data: Any = b"") -> Any:
    """A numpy scalar. Raises UntrustedResult, ValueError."""
    if kind is None or not isinstance(kind, numpy.dtype):
        raise refused("numpy scalar", "without a dtype")
    raw = _data(data, _checked(kind), 1)
    if kind.subdtype is not None:
        raise ValueError("no scalar")
    return numpy.frombuffer(bytearray(raw), kind)[0] if raw else kind.type()


def empty(args: tuple[Any, ...]) -> Any:
    """An array that has nothing in it yet. Raises UntrustedResult."""
    if not isinstance(args, Arguments) or not isinstance(args[0], Name):
        raise refused("an array of an unknown class")
    if args[0].key != ("numpy", "ndarray"):
        raise refused(args[0].name, "as an array")
    return numpy.ndarray((0,), "b1")


def complete(made: Any, state: Any) -> None:
    """Give an array its contents. Raises UntrustedResult, ValueError, TypeError."""
    _version, shape, kind, in_columns, data = state
    raw = _data(data, _checked(kind), math.prod(_shape(shape)))
    made.__setstate__((1, shape, kind, bool(in_columns), raw))


def from_buffer(data: Any, kind: Any, shape: Any, order: Any, axes: Any = None) -> Any:
    """An array as protocol 5 writes it. Raises UntrustedResult, ValueError."""
    if order not in ("C", "F") or axes is not None:
        raise ValueError("no order of axes")
    raw = _data(data, _checked(kind), math.prod(_shape(shape)))
    made = numpy.ndarray((0,), "b1")
    made.__setstate__((1, shape, kind, order == "F", raw))
    return made


def _data(data: Any, kind: Any, count: int) -> bytes:
    """The bytes of so many elements. Raises UntrustedResult unless they are exactly these."""
    raw = data.encode("latin-1") if type(data) is str else data  # Python 2 has one type for both
    if type(raw) not in (bytes, bytearray):
        raise refused("an array of objects")
    if count * kind.itemsize != len(raw) or (kind.itemsize == 0 and count > 1):
        raise UntrustedResult(f"the result is damaged: {len(raw)} bytes for an array of {count} {kind}")
    return bytes(raw)
