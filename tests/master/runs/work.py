"""Functions for tasks, in a module of their own, so that what they note is no part of what they are."""

from __future__ import annotations

import threading

calls: list[int] = []
fails: set[int] = set()
holding = threading.Event()
_counter = threading.Lock()


def square(x: int) -> int:
    """Note the call, and fail if that is wanted."""
    calls.append(x)
    if x in fails:
        raise ValueError(f"no square of {x}")
    return x * x


def draw() -> int:
    """Another number each time."""
    with _counter:
        calls.append(0)
        return len(calls)


def hold() -> None:
    """Wait until the test says so."""
    holding.wait(60)


class Fickle:
    """A value whose class changes."""

    broken = False

    def __init__(self, x: int) -> None:
        self.x = x

    def __setstate__(self, state: dict[str, int]) -> None:
        if Fickle.broken:
            raise TypeError("it was another class")
        self.__dict__.update(state)


def fickle(x: int) -> Fickle:
    """Note the call."""
    calls.append(x)
    return Fickle(x)
