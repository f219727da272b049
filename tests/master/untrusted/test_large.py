"""Honest results are within the limits, however many values they have, and are read in their time."""

from __future__ import annotations

import datetime
import pickle
import uuid
from collections import Counter, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

import pytest
from pymw.results import untrusted_reader
from pymw_worker import values

from tests.master.untrusted.values import ALLOW, Colour, Failed, Level, Pair, Plain, Point, Slotted

MANY = 20_000
DAY = datetime.date(2020, 1, 1)
MAKE: dict[str, Callable[[int], Any]] = {
    "integers": lambda n: n**5,
    "negative integers": lambda n: -n,
    "texts": lambda n: f"text {n}",
    "tuples": lambda n: (n, (n, "x")),
    "fractions": lambda n: Fraction(n, 7),
    "decimals": lambda n: Decimal(n) / 7,
    "dates": lambda n: DAY + datetime.timedelta(n),
    "times": lambda n: datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=n),
    "uuids": lambda n: uuid.UUID(int=n),
    "paths": lambda n: PurePosixPath("a/b") / str(n),
    "points": lambda n: Point(n, (n, n)),
    "slotted": lambda n: Slotted(n, (n,)),
    "pairs": lambda n: Pair(n, n),
    "complex": lambda n: complex(n, 1),
    "frozensets": lambda n: frozenset({n, n + 1}),
    "colours": lambda n: (n, Colour.RED, Level.LOW),
}


@pytest.mark.parametrize("kind", MAKE)
def test_many_values(kind: str) -> None:
    read = untrusted_reader(ALLOW)
    made = [MAKE[kind](n) for n in range(MANY)]
    for value in (made, set(made), dict.fromkeys(made, 1), Counter(made), deque(made), {"a": [made]}):
        assert read(values.dumps(value)) == value
    assert read(pickle.dumps(made, 4)) == made


def test_many_things_that_cannot_be_keys() -> None:
    read = untrusted_reader(ALLOW)
    for made in (
        [{"n": n, "x": [n, 0.5]} for n in range(MANY)],
        [Plain([n]) for n in range(MANY)],
        [Failed(n, "why") for n in range(MANY)],
        [set(range(n % 50)) for n in range(MANY)],
        [bytearray(b"x") * (n % 50) for n in range(MANY)],
    ):
        assert read(values.dumps(made)) == made
        assert read(pickle.dumps(made, 4)) == made


def test_many_scalars_and_arrays() -> None:
    np = pytest.importorskip("numpy")
    read = untrusted_reader()
    made = [np.float64(n) for n in range(MANY)]
    assert read(values.dumps(made)) == made
    records = [np.zeros(1, [("a", "f8"), ("b", "i4")]) for _ in range(MANY // 10)]
    assert all(np.array_equal(a, b) for a, b in zip(read(values.dumps(records)), records, strict=True))
