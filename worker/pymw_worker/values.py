"""Canonical pickles: equal bytes for equal values, however and in whichever process a value was made.

An ordinary pickle depends on more than the value: on which equal parts are one object (a string typed twice
in a source file is, the same string read from a file is not) and on the order in which a set happens to
iterate. Here

* nothing is memoised (Pickler.fast), so that one object met twice is written twice;
* sets and frozensets are written in the order of their elements' own canonical bytes;
* the order of a dictionary is kept: the caller can see it. Replicas agree about it because the task runs with
  PYTHONHASHSEED=0;
* classes and functions that travelled by value in a code bundle are written as __main__.NAME, or by the name
  of their module, which is what they are called in the scientist's program. So a value never carries code.

Two kinds of values cannot be written without memo: those that contain themselves, and those that share so
much that they would explode (x = [x, x], sixty times). They fall back to the ordinary pickle.

The protocol is 3 under Python 3. Protocol 4 cuts a pickle into frames, and the rule where changed between
Python 3.6 and 3.7: equal values would have unequal bytes. What protocol 4 adds (strings of 4 GiB and more) no
volunteer uploads. Protocol 2 writes bytes as Latin-1 text. Under Python 2 it is 2, which has no newer one.
"""

import pickle
import sys
import types

from pymw_worker import text
from pymw_worker.errors import Unreturnable

if text.PYTHON_3:
    PROTOCOL = 3
    _PurePickler = pickle._Pickler
else:
    import cPickle

    PROTOCOL = 2
    _PurePickler = pickle.Pickler

# What may be written without a memo: this many bytes always, and this many times the memoised pickle. Counted
# are the bytes of strings, and a few for each object.
ALLOWANCE = 1 << 24
FACTOR = 16
OBJECT = 8

_ATOMS = {int: 1, float: 1, bool: 1, type(None): 1, complex: 1}
_STRINGS = {text.BYTES: 1, text.TEXT: 1}
_SETS = {set: 1, frozenset: 1}
_NAMED = (type, types.FunctionType)
_MADE = "__pymw_made__"  # marks modules that we made


class _HasSets(Exception):
    """Raised out of the fast pickler, which knows no order of sets."""


class _TooLarge(Exception):
    """Raised when more has been written than the budget allows."""


def dumps(value):
    """The canonical pickle of a value. Raises Unreturnable or MemoryError."""
    try:
        return _dumps(value)
    except MemoryError:
        raise
    except Exception:
        error = sys.exc_info()[1]
        raise Unreturnable(
            "a value of type %s cannot be pickled: %s" % (type_name(value), text.reason(error))
        )


def _dumps(value):
    try:
        return _without_memo(value, ALLOWANCE)
    except _TooLarge:
        ordinary = _with_memo(value)
    except (ValueError, RuntimeError):  # it contains itself; Python 2's RecursionError is a RuntimeError
        return _with_memo(value)
    try:
        return _without_memo(value, FACTOR * len(ordinary))
    except _TooLarge:
        return ordinary


def _without_memo(value, budget):
    try:
        return _pickled(_fast_pickler, value, _watch(budget, True), True)
    except _HasSets:
        return _pickled(_ordering_pickler, value, _watch(budget, False), True)


def _with_memo(value):
    try:
        return _pickled(_fast_pickler, value, _watch(None, True), False)
    except _HasSets:
        pass
    try:
        return _pickled(_ordering_pickler, value, _watch(None, False), False)
    except (ValueError, RuntimeError, _TooLarge):  # a set that contains itself, by way of its elements
        return _pickled(_fast_pickler, value, _watch(None, False), False)


def _pickled(make_pickler, value, watch, without_memo):
    stream = text.BytesIO()
    pickler = make_pickler(stream, watch)
    pickler.fast = without_memo
    pickler.dump(value)
    return stream.getvalue()


def _fast_pickler(stream, watch):
    """The pickler in C. Under Python 3 it looks for persistent_id in its class."""
    if text.PYTHON_3:
        return type("Pickler", (pickle.Pickler,), {"persistent_id": staticmethod(watch)})(stream, PROTOCOL)
    pickler = cPickle.Pickler(stream, PROTOCOL)
    pickler.persistent_id = watch
    return pickler


def _ordering_pickler(stream, watch):
    pickler = _OrderingPickler(stream, PROTOCOL)
    pickler.persistent_id = watch
    return pickler


class _OrderingPickler(_PurePickler):
    """Writes sets in the order of their elements' bytes. The pickler in C has no hook for that."""

    dispatch = _PurePickler.dispatch.copy()

    def save_set(self, obj):
        ordered = sorted(obj, key=lambda element: _without_memo(element, ALLOWANCE))
        self.save_reduce(type(obj), (ordered,), obj=obj)

    dispatch[set] = save_set
    dispatch[frozenset] = save_set


def _watch(budget, stop_at_sets):
    """A persistent_id for a pickler: called with each object; None means, write it as usual."""
    spent = [0]

    def watch(obj):
        kind = type(obj)
        if budget is not None:
            spent[0] += OBJECT
            if kind in _STRINGS:
                spent[0] += len(obj)
            if spent[0] > budget:
                raise _TooLarge()
        if kind in _ATOMS:
            return None
        if kind in _SETS and stop_at_sets:
            raise _HasSets()
        if isinstance(obj, _NAMED):
            _put_where_its_name_says(obj)
        return None

    return watch


def _put_where_its_name_says(obj):
    """Let the pickler find by its name a class or function of the program that came by value.

    It belongs to __main__, or to a module that does not exist here: then one is made to hold it.
    """
    if not obj.__module__:
        return
    module = sys.modules.get(obj.__module__)
    if module is None:
        module = _made_module(obj.__module__)
    elif module is not sys.modules["__main__"] and not hasattr(module, _MADE):
        return
    name = obj.__name__
    if getattr(obj, "__qualname__", name) == name and "<" not in name and not hasattr(module, name):
        setattr(module, name, obj)


def _made_module(name):
    """A module of this name, and those that it is in, which pickle imports as well."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        path = ".".join(parts[:depth])
        if path not in sys.modules:
            sys.modules[path] = types.ModuleType(path)
            setattr(sys.modules[path], _MADE, True)
    return sys.modules[name]


def type_name(value):
    """The full name of a value's class, such as `numpy.ndarray`, without the module for built-in ones."""
    return class_name(value.__class__)


def class_name(cls):
    """The full name of a class, without the module for built-in ones and for those of the user's program."""
    name = getattr(cls, "__qualname__", cls.__name__)
    if cls.__module__ in ("builtins", "__builtin__", "exceptions", "__main__"):
        return name
    return "%s.%s" % (cls.__module__, name)
