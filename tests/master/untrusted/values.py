"""Values that strangers may send, and the classes that a user allows for them."""

from __future__ import annotations

import datetime
import enum
import pathlib
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

HOUR = datetime.timezone(datetime.timedelta(hours=1), "an hour")

PLAIN: list[Any] = [
    None,
    True,
    0,
    255,
    -5,
    2**70,
    -(2**3000),
    1.5,
    float("inf"),
    1j,
    "text é \ud800",
    b"\x00" * 300,
    bytearray(b"bytes"),
    [1, [2.5, "x"]],
    (1, 2, 3, 4),
    (),
    {1: 2, "a": [1.5] * 10, None: ()},
    {1, 2, "x"},
    {uuid.UUID(int=1), Decimal(1), Fraction(1, 3), datetime.date(2020, 1, 1), pathlib.PurePosixPath("a")},
    frozenset({(1, 2)}),
    range(3, 9, 2),
    slice(1, None),
    datetime.datetime(2020, 2, 29, 23, 59, 59, 999999),
    datetime.datetime(2020, 1, 1, tzinfo=HOUR, fold=1),
    datetime.date(9999, 12, 31),
    datetime.time(1, 2, 3, 4, fold=1),
    datetime.time(1, 2, tzinfo=datetime.timezone.utc),
    datetime.timedelta(-1, 2, 3),
    Decimal("1.50"),
    Decimal("-sNaN1"),
    Decimal("1E+999999"),
    Fraction(-3, 7),
    pathlib.Path("a/b"),
    pathlib.PurePosixPath("/x"),
    pathlib.PureWindowsPath("c:/x"),
    uuid.UUID(int=2**100),
    OrderedDict(b=1, a=2),
    Counter("abca"),
    deque([1, 2], 5),
    defaultdict(list, {1: [2]}),
    [0, 1, 300, 70000, 2**40] * 3,
    [float(i) for i in range(2500)],
    list(range(70000)),
]

ERRORS: list[Exception] = [
    ValueError("no", 1),
    KeyError("a"),
    FileNotFoundError(2, "no such file", "name"),
    UnicodeDecodeError("utf-8", b"a", 0, 1, "why"),
    ZeroDivisionError(),
]


class Plain:  # noqa: PLW1641
    """A class without anything special."""

    def __init__(self, x: object) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and vars(self) == vars(other)

    def method(self) -> object:
        return self.x

    class Inner:  # noqa: PLW1641
        """A class in a class."""

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Plain.Inner)


@dataclass(frozen=True)
class Point:
    """A dataclass."""

    x: int
    y: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slotted:
    """A dataclass with slots."""

    x: int
    y: tuple[int, ...]


Pair = namedtuple("Pair", "a b")


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1
    GREEN = "g"


class Level(enum.IntEnum):
    """An enumeration of integers."""

    LOW = 1


class Row(list[int]):
    """A list of one's own."""


class Celsius(float):
    """A number of one's own."""


class Failed(ValueError):  # noqa: PLW1641
    """An exception whose __init__ takes other things than its args."""

    def __init__(self, step: int, why: str) -> None:
        super().__init__(f"step {step}: {why}")
        self.step = step

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failed) and (self.args, self.step) == (other.args, other.step)


ALLOW = [Plain, Plain.Inner, Point, Slotted, Pair, Colour, Level, Row, Celsius, Failed]

INSTANCES: list[Any] = [
    Plain([1]),
    Plain.Inner(),
    Point(1, (2,)),
    Slotted(1, (2,)),
    Pair(1, [2]),
    Colour.GREEN,
    [Colour.RED, Colour.RED],
    Level.LOW,
    Row([1, 2]),
    Celsius(1.5),
    Failed(3, "cold"),
    {Point(1, (2,)): 3, Colour.RED: 4},
    [[[Plain([Colour.RED, Failed(1, "x")])]]] * 2,
]
