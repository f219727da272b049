"""The interpreter of a pickle's opcodes: pickletools.py of the standard library describes each of them."""

from __future__ import annotations

import uuid
from collections import deque
from enum import Enum
from functools import cached_property
from typing import Any

from pymw.errors import UntrustedResult
from pymw.untrusted import arrays, exceptions, standard
from pymw.untrusted.allowed import Allowed
from pymw.untrusted.atoms import Atoms
from pymw.untrusted.hashing import Hashing
from pymw.untrusted.limits import Budget, Limits, size_of
from pymw.untrusted.opcodes import METHODS
from pymw.untrusted.structure import check_depth, children_in
from pymw.untrusted.tokens import TOKENS, Arguments, DType, Name, packed, plain, refused, settled

_NEWOBJ = ("copyreg", "__newobj__")
_RECONSTRUCTOR = ("copyreg", "_reconstructor")
_GETATTR = ("builtins", "getattr")
_UUID = ("uuid", "UUID")
_OBJECT = ("builtins", "object")
_ARRAYS: dict[standard.Key, standard.Build] = {
    arrays.DTYPE: arrays.dtype,
    arrays.SCALAR: arrays.scalar,
    arrays.FROM_BUFFER: arrays.from_buffer,
}


class Machine(Atoms):
    """Reads one pickle. data: its bytes. allowed: the user's classes. limits: what it may cost."""

    def __init__(self, data: bytes, allowed: Allowed, limits: Limits) -> None:
        super().__init__(data, Budget(len(data), limits))
        self._allowed = allowed
        self._unfinished: dict[int, Any] = {}  # by id; instances that need attributes and have none
        self._children = children_in(allowed.has)
        self._hashing = Hashing(self._budget, self._children)

    def run(self) -> Any:
        """The value of the pickle. Raises UntrustedResult, and whatever damaged data make builders raise."""
        data, position = self._data, 0
        handlers = _HANDLERS
        try:
            while position >= 0:
                position = handlers[data[position]](self, position + 1)
        except IndexError:
            raise UntrustedResult(
                "the result is damaged: it ends too early, or uses what it does not have"
            ) from None
        value = plain(self._stack.pop())
        for made in self._unfinished.values():
            raise refused(type(made).__name__, "without attributes")
        check_depth(value, self._budget, self._children)
        return value

    def unknown(self, position: int) -> int:
        raise refused(f"opcode {self._data[position - 1]:#04x} (persistent id, extension, buffer or unknown)")

    @cached_property
    def _builders(self) -> dict[standard.Key, standard.Build]:
        """What makes something of a name; most pickles need none of it."""
        table = standard.Standard(self._budget, self._hashing).table
        return {**table, **_ARRAYS} if arrays.numpy is not None else table

    # Containers.

    def _items(self) -> list[Any]:
        """What stands above the last mark, for a container."""
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        if self._named and not TOKENS.isdisjoint(map(type, items)):
            return settled(items)
        return items

    def _top(self, count: int) -> list[Any]:
        """What stands on top, so many of them, for a container."""
        if len(self._stack) < count:
            raise IndexError
        items = self._stack[-count:]
        del self._stack[-count:]
        return settled(items)

    def _push(self, made: Any, position: int) -> int:
        self._budget.one_more()
        self._stack.append(made)
        return position

    def _push_tuple(self, items: list[Any], position: int) -> int:
        self._budget.one_more()
        if self._named and not TOKENS.isdisjoint(map(type, items)):
            self._stack.append(packed(items))
        else:
            self._stack.append(tuple(items))
        return position

    def empty_list(self, position: int) -> int:
        return self._push([], position)

    def empty_dict(self, position: int) -> int:
        return self._push({}, position)

    def empty_set(self, position: int) -> int:
        return self._push(set(), position)

    def tuple_of_marked(self, position: int) -> int:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return self._push_tuple(items, position)

    def tuple1(self, position: int) -> int:
        return self._push_tuple([self._stack.pop()], position)

    def tuple2(self, position: int) -> int:
        last = self._stack.pop()
        return self._push_tuple([self._stack.pop(), last], position)

    def tuple3(self, position: int) -> int:
        last, middle = self._stack.pop(), self._stack.pop()
        return self._push_tuple([self._stack.pop(), middle, last], position)

    def list_of_marked(self, position: int) -> int:
        return self._push(self._items(), position)

    def dict_of_marked(self, position: int) -> int:
        made: dict[Any, Any] = {}
        self._hashing.fill_dict(made, self._items())
        return self._push(made, position)

    def frozenset_of_marked(self, position: int) -> int:
        made: set[Any] = set()
        self._hashing.fill_set(made, self._items())
        return self._push(frozenset(made), position)

    def append(self, position: int) -> int:
        self._extend(self._top(1))
        return position

    def appends(self, position: int) -> int:
        self._extend(self._items())
        return position

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            list.extend(target, items)
        elif type(target) is deque:
            target.extend(items)
        else:
            raise refused(f"{type(target).__name__}.extend")

    def set_item(self, position: int) -> int:
        self._fill(self._top(2))
        return position

    def set_items(self, position: int) -> int:
        self._fill(self._items())
        return position

    def _fill(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict):
            raise refused(f"{type(target).__name__}.__setitem__")
        self._hashing.fill_dict(target, items)

    def add_items(self, position: int) -> int:
        items = self._items()
        if not isinstance(self._stack[-1], set):
            raise refused(f"{type(self._stack[-1]).__name__}.update")
        self._hashing.fill_set(self._stack[-1], items)
        return position

    # Calls, as pickles have it. Nothing that they name is called.

    def global_name(self, position: int) -> int:
        module, position = self._line(position)
        name, position = self._line(position)
        self._named = True
        return self._push(Name(module.decode(), name.decode()), position)

    def stack_global(self, position: int) -> int:
        name = self._stack.pop()
        self._named = True
        return self._push(Name(self._stack.pop(), name), position)

    def reduce(self, position: int) -> int:
        args = self._stack.pop()
        return self._push(self._call(self._stack.pop(), args), position)

    def new_object(self, position: int) -> int:
        args = self._stack.pop()
        return self._push(self._new(self._stack.pop(), args), position)

    def new_object_with_keywords(self, position: int) -> int:
        keywords = self._stack.pop()
        if keywords != {}:
            raise refused("keyword arguments of a __new__")
        return self.new_object(position)

    def instance(self, position: int) -> int:
        module, position = self._line(position)
        name, position = self._line(position)
        return self._push(self._new(Name(module.decode(), name.decode()), tuple(self._items())), position)

    def object_of_marked(self, position: int) -> int:
        start = self._marks.pop()
        cls, *args = self._stack[start:]
        del self._stack[start:]
        return self._push(self._new(cls, packed(args)), position)

    def _call(self, called: Any, args: Any) -> Any:
        if not isinstance(called, Name) or not isinstance(args, tuple):
            raise refused(type(called).__name__, "as a function")
        self._budget.spend(sum(map(size_of, args)))
        if isinstance(args, Arguments):
            return self._call_with_names(called, args)
        if (build := self._builders.get(called.key)) is not None:
            return build(*args)
        if (error := exceptions.STANDARD.get(called.key)) is not None:
            return exceptions.build(error, args)
        cls = self._allowed.find(called.key)
        if cls is None:
            raise refused(called.name)
        return self._allowed.call(cls, args, self._hashing)

    def _call_with_names(self, called: Name, args: Arguments) -> Any:
        first, *rest = args
        if called.key == arrays.RECONSTRUCT and arrays.numpy is not None:
            return arrays.empty(args)
        if called.key == _NEWOBJ:
            return self._new(first, packed(rest))
        if called.key == _RECONSTRUCTOR and isinstance(rest[0], Name) and rest[0].key == _OBJECT:
            return self._new(first, ())
        if called.key == _GETATTR and isinstance(first, Name) and len(rest) == 1 and type(rest[0]) is str:
            member = self._allowed.member(first.key, rest[0])
            return Name(first.key[0], f"{first.key[1]}.{rest[0]}") if member is None else member
        if called.key == ("collections", "defaultdict"):
            return self._builders[called.key](*args)
        raise refused(called.name)

    def _new(self, cls: Any, args: Any) -> Any:
        if not isinstance(cls, Name) or not isinstance(args, tuple) or isinstance(args, Arguments):
            raise refused(type(cls).__name__, "as a class")
        self._budget.spend(sum(map(size_of, args)))
        if cls.key == _UUID and not args:
            return standard.new_uuid()
        found = self._allowed.find(cls.key)
        if found is None:
            raise refused(cls.name)
        made = self._allowed.new(found, args)
        if self._allowed.needs(found):
            self._unfinished[id(made)] = made
        return made

    def build(self, position: int) -> int:
        state = self._stack.pop()
        made = self._stack[-1]
        kind = type(made)
        if isinstance(state, Arguments | Name):
            raise refused(state.asked())
        self._budget.spend(sum(map(size_of, state)) if type(state) is tuple else size_of(state))
        if kind is DType:
            self._budget.spend(50 * size_of(state[3]))  # numpy looks at each field for long
            arrays.complete_dtype(made, state)
        elif arrays.numpy is not None and kind is arrays.numpy.ndarray:
            arrays.complete(made, state)
        elif kind is uuid.UUID:
            standard.complete_uuid(made, state)
        elif self._allowed.has(kind) and not isinstance(made, Enum):
            self._allowed.complete(made, state)
            self._unfinished.pop(id(made), None)
        elif isinstance(made, Exception):
            exceptions.complete(made, state)
        else:
            raise refused(f"{kind.__name__}.__setstate__")
        return position


# By opcode. The methods of the class, as to bind them would take longer than to read most pickles.
_HANDLERS = [getattr(Machine, method) for method in METHODS]
