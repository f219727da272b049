"""What values contain, and how deep that goes."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import chain
from types import MemberDescriptorType
from typing import Any

from pymw.untrusted.limits import Budget, too_much

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, range, slice})


def _in_dict(value: Any) -> Iterable[Any]:
    return chain(value.keys(), value.values())


Children = Callable[[Any], Iterable[Any]]

_CHILDREN: dict[type, Children] = {
    **dict.fromkeys((list, tuple, set, frozenset, deque), iter),
    **dict.fromkeys((dict, OrderedDict, Counter, defaultdict), _in_dict),
}
_CONTENTS: tuple[Any, ...] = (list, tuple, set, frozenset, dict)


def children_in(is_users: Callable[[type], bool]) -> Children:
    """A function that says what a value contains, without asking methods of the user's.

    is_users: whether a class is one of those that the user allows; nothing else has attributes to look at,
    but exceptions.
    """

    def children(value: Any) -> Iterable[Any]:
        kind = type(value)
        if kind in ATOMS:
            return ()
        if known := _CHILDREN.get(kind):
            return known(value)
        if isinstance(value, Exception) or (is_users(kind) and not isinstance(value, Enum)):
            return _in_instance(value)
        return ()

    return children


def _in_instance(value: Any) -> Iterator[Any]:
    for base in _CONTENTS:
        if isinstance(value, base):
            yield from _in_dict(dict(value)) if base is dict else base.__iter__(value)
    if isinstance(value, BaseException):
        yield value.args
    yield from vars(value).values() if hasattr(value, "__dict__") else ()
    for slot in slots_of(type(value)).values():
        try:
            yield slot.__get__(value)
        except AttributeError:
            continue


def slots_of(cls: type) -> dict[str, MemberDescriptorType]:
    """The slots of a class written in Python, by name."""
    return {
        name: found
        for base in reversed(cls.__mro__)
        if "__slots__" in base.__dict__
        for name, found in base.__dict__.items()
        if isinstance(found, MemberDescriptorType)
    }


def check_depth(root: Any, budget: Budget, children: Children) -> None:
    """Raise UntrustedResult if containers are in each other too deeply; visits each container once."""
    limit = budget.limits.depth
    if budget.limits.objects - budget.objects <= limit:
        return  # not even enough of them
    heights: dict[int, int] = {}  # by id; 0 for those on the path, which contain themselves

    def containers(value: Any) -> list[Any]:
        return [child for child in children(value) if type(child) not in ATOMS]

    path = [(root, iter(containers(root)))]
    below = [0]
    while path:
        value, rest = path[-1]
        for child in rest:
            height = heights.get(id(child))
            if height is None and (inside := containers(child)):
                heights[id(child)] = 0
                path.append((child, iter(inside)))
                below.append(0)
                break
            below[-1] = max(below[-1], 1 if height is None else height)
        else:
            path.pop()
            heights[id(value)] = height = below.pop() + 1
            if below:
                below[-1] = max(below[-1], height)
        if len(path) + (below[-1] if below else 0) > limit:
            raise too_much(f"more than {limit} containers in each other")
