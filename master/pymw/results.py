"""From what a worker sent back to a value or an exception."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

from pymw import ending, errors
from pymw.ending import Ending

Reader = Callable[[bytes], Any]

# Statuses of endings without value or exception: the error class, and what the user can do.
_FAILURES: dict[str, tuple[type[errors.TaskError], str]] = {
    ending.UNRETURNABLE: (errors.ValueLost, "return plain data: numbers, text, lists, dictionaries, arrays"),
    ending.MEMORY: (errors.OutOfMemory, "give each task less to do, or use fewer workers at once"),
    ending.DIED: (errors.WorkerDied, "see its stderr (future.stderr) for what it said last"),
    ending.LOST: (errors.ResultLost, "submit it again, or let retries=1 do so"),
    ending.LATE: (errors.TimeLimitExceeded, "allow more by timeout=, or give each task less to do"),
}
# Kinds of UNLOADABLE, as the worker tells them apart in the result's type.
_UNLOADABLE: dict[str, tuple[type[errors.TaskError], str]] = {
    "python": (
        errors.VersionMismatch,
        "portable=True sends the function's source, which runs under other versions of Python",
    ),
    "untrusted": (
        errors.Refused,
        "sign with a key that the app version trusts (pymw-package --check says which)",
    ),
    "module": (errors.ModuleMissing, "install it there, or package it with pymw-package --requirement"),
}


def read_untrusted(data: bytes, allow: Iterable[type] = ()) -> Any:
    """The value of a pickle that a stranger sent, without unpickling it (pymw/untrusted).

    It can be plain data (None, numbers, text, bytes, containers, dates, Decimal, Fraction, paths, UUID),
    numpy scalars and arrays but of objects, standard exceptions, and instances of the classes in `allow`,
    which are built without calling anything of theirs. Raises UntrustedResult for everything else, for damage
    and for what goes beyond pymw.untrusted.limits; TypeError for a class that cannot be allowed.
    """
    return untrusted_reader(allow)(data)


def untrusted_reader(allow: Iterable[type] = ()) -> Reader:
    """A function that does what read_untrusted does, for many results. Raises TypeError as it does."""
    from pymw import untrusted  # noqa: PLC0415  # it imports numpy, which takes its time

    return untrusted.reader(allow)


def value_of(end: Ending, read: Reader = pickle.loads) -> tuple[Any, BaseException | None]:
    """The value of a task and None, or None and the exception that stands for its failure.

    read: turns pickled bytes into the value. The default is for workers of our own alone: what strangers send
    is never to be unpickled freely.
    """
    if end.error is not None:
        return None, end.error
    if end.status == ending.VALUE:
        if end.data is None:
            return end.value, None
        try:
            return read(end.data), None
        except errors.UntrustedResult as error:
            end.status = ending.LOST
            return None, error
        except Exception as error:
            end.status = ending.LOST
            return None, errors.ResultLost(
                f"the value that the task returned cannot be read here: {type(error).__name__}: {error}; "
                "its classes must be importable in this program"
            )
    if end.status == ending.EXCEPTION:
        return None, _raised(end, read)
    return None, failure(end)


def failure(end: Ending) -> errors.TaskError:
    """The error of our own that stands for an ending without value or exception."""
    if end.status == ending.UNLOADABLE:
        kind, remedy = _UNLOADABLE.get(end.type, (errors.LoadError, ""))
    else:
        kind, remedy = _FAILURES.get(end.status, (errors.TaskError, ""))
    return kind(f"{end.message}; {remedy}" if remedy else end.message)


def _raised(end: Ending, read: Reader) -> BaseException:
    """The exception that the function raised, or a TaskError in its place if it cannot be had."""
    error: Any = None
    if end.data is not None:
        try:
            error = read(end.data)
        except Exception:
            error = None  # its class exists in the worker alone; name and text are left
    if not isinstance(error, BaseException):
        error = errors.TaskError(f"{end.type}: {end.message}" if end.type else end.message)
    if end.traceback:
        error.__cause__ = errors.RemoteTraceback(end.traceback)
    raised: BaseException = error
    return raised
