"""The arguments of a call as bytes, fast: a master sends thousands a second."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pymw import references
from pymw.errors import ArgumentError, FunctionError
from pymw.references import References

# Pickled alike by pickle and cloudpickle, and no reference to anything.
_ATOMS = frozenset([type(None), bool, int, float, str, bytes])
_NONE: frozenset[str] = frozenset()


class Call(NamedTuple):
    """The arguments of one call.

    pickle: bytes of the pair (args, kwargs). modules: names of the user's own and of installed modules that
    they refer to and the code bundle has not.
    """

    pickle: bytes
    modules: frozenset[str]


def are_atoms(values: Iterable[Any]) -> bool:
    """Whether all are numbers, text, bytes, True, False or None, and not of classes derived from these."""
    return _ATOMS.issuperset(map(type, values))


def pack(
    entry: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], known: frozenset[str], plain: bool
) -> Call:
    """Pickle the arguments of one call.

    entry: the function's name, for messages. known: names of the modules that the bundle has. plain: by plain
    pickle, for any Python, and not by cloudpickle. Raises ArgumentError.
    """
    if are_atoms(args) and (not kwargs or (are_atoms(kwargs.values()) and are_atoms(kwargs))):
        return Call(pickle.dumps((args, dict(kwargs)), 2 if plain else 5), _NONE)
    try:
        packed, met = references.dumps((args, dict(kwargs)), plain)
    except Exception as error:
        raise _explained(entry, args, kwargs, plain, error) from error
    return Call(packed, _missing(met, known) if met.modules or met.functions else _NONE)


def _missing(met: References, known: frozenset[str]) -> frozenset[str]:
    if met.functions or not known.issuperset(met.modules):
        return frozenset(met.names() - known)
    return _NONE


def _explained(
    entry: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], plain: bool, error: Exception
) -> ArgumentError:
    """Which argument it was, found by pickling one after the other."""
    named = [(f"argument {number}", value) for number, value in enumerate(args, 1)]
    for name, value in named + [(f"the argument {name}", value) for name, value in kwargs.items()]:
        try:
            references.dumps(value, plain)
        except Exception as cause:
            return ArgumentError(
                f"{name} of {entry}, of type {type(value).__name__}, cannot be sent: {reason(cause)}"
                + ("" if isinstance(cause, FunctionError) else "; send plain values to make it of instead")
            )
    return ArgumentError(
        f"the arguments of {entry} cannot be sent together: {reason(error)}; pass plain values instead"
    )


def reason(error: Exception) -> str:
    """The text of an exception on one line."""
    return " ".join(str(error).split()) or type(error).__name__
