"""Puts keys into dicts and sets, at a cost that their sender cannot choose.

Texts and bytes have hashes that nobody can foresee (unless PYTHONHASHSEED is set). Those of numbers, and of
tuples of numbers, can be chosen so that each key takes as long as there are keys; which is only seen by the
time it takes. And a tuple that contains one tuple twice, which contains one twice, and so on, has a hash that
takes forever.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from pymw.errors import UntrustedResult
from pymw.untrusted.limits import Budget, size_of, too_much

_TEXTS = frozenset({str, bytes})
_SMALL = frozenset({bool, float, complex, type(None)})
# Keys that are put in between two looks at the clock: what one look may be late by.
_CHUNK = 64
_MASK = _CHUNK - 1


class Hashing:
    """Fills the dicts and sets of one pickle. children: what a value that can be hashed contains."""

    def __init__(self, budget: Budget, children: Callable[[Any], Iterable[Any]]) -> None:
        self._budget = budget
        self._children = children

    def fill_dict(self, target: dict[Any, Any], items: list[Any]) -> None:
        """Add keys and values, which alternate. Raises UntrustedResult, TypeError, MemoryError."""
        keys, values = items[::2], items[1::2]
        if len(keys) != len(values):
            raise UntrustedResult("the result is damaged: a key without a value")
        pairs = zip(keys, values, strict=True)
        if self._are_texts(keys) and type(target) is not OrderedDict:
            dict.update(target, pairs)
            return
        self._check(keys)
        put = OrderedDict.__setitem__ if type(target) is OrderedDict else dict.__setitem__
        started = time.thread_time()
        for count, (key, value) in enumerate(pairs, 1):
            put(target, key, value)
            if not count & _MASK:
                started = self._look(started, _CHUNK)
        self._look(started, len(keys) & _MASK)

    def fill_set(self, target: set[Any], items: list[Any]) -> None:
        """Add elements. Raises UntrustedResult, TypeError, MemoryError."""
        if self._are_texts(items):
            set.update(target, items)
            return
        self._check(items)
        started = time.thread_time()
        rest = iter(items)
        while chunk := list(islice(rest, _CHUNK)):
            set.update(target, chunk)
            started = self._look(started, len(chunk))

    def _are_texts(self, keys: list[Any]) -> bool:
        if not _TEXTS.issuperset(map(type, keys)):
            return False
        self._budget.spend(sum(map(len, keys)))
        return True

    def _check(self, keys: list[Any]) -> None:
        """Spend what it costs to hash the keys, shared parts each time that they are met."""
        for key in keys:
            kind = type(key)
            if kind not in _SMALL and (kind is not int or key.bit_length() > _CHUNK):
                self._weigh(key)

    def _weigh(self, key: Any) -> None:
        waiting = [(key, 0)]
        while waiting:
            value, depth = waiting.pop()
            self._budget.spend(size_of(value))
            if depth > self._budget.limits.depth:
                raise too_much(f"more than {self._budget.limits.depth} containers in each other")
            waiting.extend((child, depth + 1) for child in self._children(value))

    def _look(self, started: float, count: int) -> float:
        now = time.thread_time()
        self._budget.seconds += count * self._budget.limits.hashing_per_key - (now - started)
        if self._budget.seconds < 0:
            raise too_much("keys whose hashes collide")
        return now
