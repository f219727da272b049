"""Builders of plain data that pickles write as calls: name, then arguments. Each checks what it is given."""

from __future__ import annotations

import datetime
import pathlib
import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pymw.errors import UntrustedResult
from pymw.untrusted.hashing import Hashing
from pymw.untrusted.limits import Budget
from pymw.untrusted.tokens import Name, refused

Build = Callable[..., Any]
Key = tuple[str, str]

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+|s?NaN\d*|Infinity)([eE][+-]?\d{1,18})?", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d+(/\d+)?", re.ASCII)
_FACTORIES: dict[Key, type] = {
    ("builtins", kind.__name__): kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set)
}


def _exactly(kind: type, *values: Any) -> None:
    for value in values:
        if type(value) is not kind:
            raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")


def _raw(value: Any) -> bytes:
    """Bytes, which Python 2 and early protocols write as text."""
    if type(value) is str:
        return value.encode("latin-1")
    _exactly(bytes, value)
    return bytes(value)


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    _exactly(str, text, encoding)
    if encoding.lower().replace("-", "") != "latin1":
        raise refused("_codecs.encode")
    return text.encode("latin-1")


def _bytes(*given: Any) -> bytes:
    return _encoded(*given) if given and type(given[0]) is str else _raw(*given or (b"",))


def _complex(real: float, imag: float) -> complex:
    _exactly(float, real, imag)
    return complex(real, imag)


def _range(*bounds: int) -> range:
    _exactly(int, *bounds)
    return range(*bounds)


def _slice(*bounds: int | None) -> slice:
    _exactly(int, *[bound for bound in bounds if bound is not None])
    return slice(*bounds)


def _timedelta(days: int, seconds: int, microseconds: int) -> datetime.timedelta:
    _exactly(int, days, seconds, microseconds)
    return datetime.timedelta(days, seconds, microseconds)


def _timezone(offset: datetime.timedelta, *name: str) -> datetime.timezone:
    _exactly(datetime.timedelta, offset)
    _exactly(str, *name)
    return datetime.timezone(offset, *name)


def _date(packed: Any) -> datetime.date:
    high, low, month, day = _raw(packed)
    return datetime.date(high * 256 + low, month, day)


def _time(packed: Any, *zone: Any) -> datetime.time:
    hour, minute, second, *micro = _raw(packed)
    fold, hour = divmod(hour, 128)
    return datetime.time(hour, minute, second, _micro(micro), *_zone(zone), fold=fold)


def _datetime(packed: Any, *zone: Any) -> datetime.datetime:
    high, low, month, day, hour, minute, second, *micro = _raw(packed)
    fold, month = divmod(month, 128)
    date = high * 256 + low, month, day
    return datetime.datetime(*date, hour, minute, second, _micro(micro), *_zone(zone), fold=fold)


def _micro(packed: list[int]) -> int:
    high, middle, low = packed
    return high << 16 | middle << 8 | low


def _zone(zone: tuple[Any, ...]) -> tuple[Any, ...]:
    _exactly(datetime.timezone, *zone)
    return zone


def _path(kind: str) -> Build:
    pure: type = pathlib.PureWindowsPath if "Windows" in kind else pathlib.PurePosixPath
    here = type(pathlib.Path())
    cls = here if not kind.startswith("Pure") and issubclass(here, pure) else pure

    def build(*parts: str) -> Any:
        _exactly(str, *parts)
        return cls(*parts)

    return build


class Standard:
    """The builders, for one pickle. table: by module and name."""

    def __init__(self, budget: Budget, hashing: Hashing) -> None:
        self._budget = budget
        self._hashing = hashing
        self.table: dict[Key, Build] = {
            **TABLE,
            ("builtins", "set"): self._set,
            ("builtins", "frozenset"): lambda *items: frozenset(self._set(*items)),
            ("collections", "Counter"): self._counter,
            ("collections", "deque"): self._deque,
            ("decimal", "Decimal"): self._decimal,
            ("fractions", "Fraction"): self._fraction,
        }

    def _set(self, *given: Any) -> set[Any]:
        made: set[Any] = set()
        for items in given:
            _exactly(list, items)
            self._hashing.fill_set(made, items)
        return made

    def _counter(self, counts: Any) -> Counter[Any]:
        _exactly(dict, counts)
        made: Counter[Any] = Counter()
        self._hashing.fill_dict(made, [each for pair in counts.items() for each in pair])
        return made

    def _deque(self, items: Any = (), maxlen: int | None = None) -> deque[Any]:
        if type(items) not in (tuple, list) or (maxlen is not None and type(maxlen) is not int):
            raise TypeError("a deque of something else")
        return deque(items, maxlen)

    def _decimal(self, text: str) -> Decimal:
        _exactly(str, text)
        if not _DECIMAL.fullmatch(text):
            raise ValueError("no decimal number")
        return Decimal(text)

    def _fraction(self, numerator: Any, denominator: int = 1) -> Fraction:
        if type(numerator) is str:
            if not _FRACTION.fullmatch(numerator):
                raise ValueError("no fraction")
            self._budget.digits(len(numerator))
        else:
            _exactly(int, numerator, denominator)
            for number in (numerator, denominator):
                self._budget.digits(number.bit_length() // 3)  # to reduce it takes quadratic time
            self._budget.spend(numerator.bit_length() + denominator.bit_length())
        self._budget.spend(100)  # what an instance costs, beyond its size
        return Fraction(numerator) if type(numerator) is str else Fraction(numerator, denominator)


def _ordered_dict() -> OrderedDict[Any, Any]:
    return OrderedDict()


def _defaultdict(factory: Any = None) -> defaultdict[Any, Any]:
    if isinstance(factory, Name):
        if factory.key not in _FACTORIES:
            raise refused(factory.name, "as what makes a defaultdict's values")
        return defaultdict(_FACTORIES[factory.key])
    if factory is not None:
        raise TypeError("a defaultdict that makes its values of something else")
    return defaultdict(None)


TABLE: dict[Key, Build] = {
    ("_codecs", "encode"): _encoded,
    ("builtins", "bytes"): _bytes,
    ("builtins", "bytearray"): lambda *given: bytearray(_bytes(*given)),
    ("builtins", "complex"): _complex,
    ("builtins", "range"): _range,
    ("builtins", "xrange"): _range,
    ("builtins", "slice"): _slice,
    ("collections", "OrderedDict"): _ordered_dict,
    ("collections", "defaultdict"): _defaultdict,
    ("datetime", "date"): _date,
    ("datetime", "datetime"): _datetime,
    ("datetime", "time"): _time,
    ("datetime", "timedelta"): _timedelta,
    ("datetime", "timezone"): _timezone,
    **{
        ("pathlib", name): _path(name)
        for name in ("PurePosixPath", "PosixPath", "PureWindowsPath", "WindowsPath", "PurePath", "Path")
    },
}


def new_uuid() -> uuid.UUID:
    """A UUID that is all zeros until it is completed."""
    made = uuid.UUID.__new__(uuid.UUID)
    object.__setattr__(made, "int", 0)
    object.__setattr__(made, "is_safe", uuid.SafeUUID.unknown)
    return made


def complete_uuid(made: uuid.UUID, state: Any) -> None:
    """Give a UUID its number. Raises UntrustedResult."""
    number = state.get("int") if type(state) is dict else None
    if type(number) is not int or not 0 <= number < 1 << 128:
        raise UntrustedResult("the result is damaged: a UUID of something else than a number")
    object.__setattr__(made, "int", number)
