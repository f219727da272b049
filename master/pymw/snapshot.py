"""Whether a function still is what it was: a program may assign to a global between two submissions.

Pickling a function at each submission would be safe and slow. Here the names that it reads are looked up
again. What is changed in place, such as a list that grows, is not noticed: data belongs into arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CellType, CodeType, FunctionType
from typing import Any

from pymw.modules import is_of_master

_MISSING = object()


class Snapshot:
    """The objects that a function and those that travel with it refer to by name, at one moment."""

    def __init__(self, function: Any) -> None:
        self._globals: list[tuple[dict[str, Any], str, Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._functions: list[tuple[FunctionType, Any, Any, Any]] = []
        self._seen: set[int] = set()
        self._take(function)

    def is_current(self) -> bool:
        """Whether all these names still mean the same objects."""
        return (
            all(names.get(name, _MISSING) is value for names, name, value in self._globals)
            and all(_contents(cell) is value for cell, value in self._cells)
            and all(
                one.__code__ is code and one.__defaults__ is defaults and one.__kwdefaults__ is keywords
                for one, code, defaults, keywords in self._functions
            )
        )

    def _take(self, value: Any) -> None:
        value = getattr(value, "__func__", value)
        if id(value) in self._seen or not _by_value(value):
            return
        self._seen.add(id(value))
        if isinstance(value, type):
            for member in vars(value).values():
                self._take(member)
            return
        self._functions.append((value, value.__code__, value.__defaults__, value.__kwdefaults__))
        for name in set(_names(value.__code__)):
            if name in value.__globals__:
                self._globals.append((value.__globals__, name, value.__globals__[name]))
                self._take(value.__globals__[name])
        for cell in value.__closure__ or ():
            self._cells.append((cell, _contents(cell)))
            self._take(_contents(cell))


def _by_value(value: Any) -> bool:
    """Whether it is a function or class that travels by value: of __main__, or of a module that uses PyMW."""
    if not isinstance(value, FunctionType | type):
        return False
    return value.__module__ == "__main__" or is_of_master(value.__module__ or "")


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the variable has no value yet
        return _MISSING
