"""Runs one task in a worker process, and says how it ended."""

from __future__ import annotations

import os
import pickle
import platform
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import cloudpickle
from pymw_worker import text, values
from pymw_worker.errors import Unreturnable

from pymw import ending
from pymw.ending import Ending
from pymw.pool import code as codes
from pymw.pool.code import Code, Unloadable
from pymw.pool.streams import Streams

# What travels of an Ending: its first fields, without the empty ones at the end.
Report = tuple[Any, ...]

_ATOMS = {int, float, bool, type(None), complex, str, bytes}
_MAX_TRACEBACK = 1 << 18  # characters
_OURS = ("pymw.pool.", "pymw_worker.chunk")


def run(digest: str, data: bytes | None, call: bytes, streams: Streams, scratch: str | None = None) -> Report:
    """Call the function of a bundle with pickled arguments. Raises Missing, else nothing."""
    started = time.time()
    streams.install()
    try:
        code = codes.load(digest, data, scratch)
        with code.place():
            report = _outcome(code, call)
    except codes.Missing:
        raise
    except MemoryError:
        report = (ending.MEMORY, None, "", "the task ran out of memory")
    except Unloadable as error:
        report = (ending.UNLOADABLE, None, error.kind, text.message_of(error), _traceback(error.__cause__))
    except Exception as error:  # the folder with its data files cannot be made
        report = (ending.UNLOADABLE, None, "", f"the task's files cannot be unpacked: {text.reason(error)}")
    stdout, stderr = streams.take()
    finished = time.time()
    if stdout or stderr or len(report) > 2:
        return (*report, *("", "", "")[len(report) - 2 :], stdout, stderr, started, finished)
    return (report[1], started, finished)


def ending_of(report: Report, facts: dict[str, str]) -> Ending:
    """The Ending that a report stands for. facts: of the process, shared by all its reports."""
    if len(report) == 3:
        data, started, finished = report
        return Ending(ending.VALUE, data, facts=facts, started=started, finished=finished)
    status, data, kind, message, trace, stdout, stderr, started, finished = report
    return Ending(status, data, kind, message, trace, stdout, stderr, facts, started, finished)


def facts() -> dict[str, str]:
    """What there is to say about this process, by the names of docs/formats.md."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": platform.node(),
        "pid": str(os.getpid()),
    }


def _outcome(code: Code, call: bytes) -> Report:
    """The first fields of a report."""
    try:
        args, kwargs = pickle.loads(call)
    except MemoryError:
        raise
    except Exception as error:
        what = f"the arguments cannot be loaded: {type(error).__name__}: {text.reason(error)}"
        kind = "module" if isinstance(error, ModuleNotFoundError) else ""
        return (ending.UNLOADABLE, None, kind, what, _traceback(error))
    try:
        value = code.function(*args, **kwargs)
    except MemoryError as error:
        return (ending.MEMORY, None, "", "the task ran out of memory", _traceback(error))
    except BaseException as error:  # SystemExit and KeyboardInterrupt as well: the function raised them
        return _raised(error, code.portable)
    return _returned(value, code.portable)


def _returned(value: Any, portable: bool) -> Report:
    if type(value) in _ATOMS:
        return (ending.VALUE, pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
    try:
        return (ending.VALUE, _dumps(value, portable))
    except MemoryError as error:
        words = "the task ran out of memory while its value was pickled"
        return (ending.MEMORY, None, "", words, _traceback(error))
    except Unreturnable as error:
        return (ending.UNRETURNABLE, None, "", text.message_of(error))
    except Exception as error:
        name = values.type_name(value)
        words = f"the function returned a {name}, which cannot be pickled: {text.reason(error)}"
        return (ending.UNRETURNABLE, None, "", words)


def _dumps(value: Any, portable: bool) -> bytes:
    """cloudpickle sends classes and functions of the program along; portable code names them only."""
    data: bytes = values.dumps(value) if portable else cloudpickle.dumps(value)
    return data


def _raised(error: BaseException, portable: bool) -> Report:
    trace = _traceback(error)
    try:
        data = _dumps(error, portable)
        pickle.loads(data)  # many exception classes can be written, but not read again
    except Exception:
        data = None
    name, message = values.type_name(error), text.message_of(error)
    return (ending.EXCEPTION, data, name, message, trace)


def _traceback(error: BaseException | None) -> str:
    """The traceback of an exception, without our own frames."""
    if error is None:
        return ""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        frames = frames.tb_next
    try:
        written = "".join(traceback.format_exception(type(error), error, frames))
    except Exception:  # an exception whose own methods raise
        written = "".join([*traceback.format_tb(frames), f"{type(error).__name__}\n"])
    return written[-_MAX_TRACEBACK:]


_streams: list[Streams] = []


def run_alone(digest: str, data: bytes | None, call: bytes) -> tuple[dict[str, str], Report]:
    """Run one task in whatever process this is, which is left as it was: for pools of other libraries."""
    before = sys.stdout, sys.stderr
    if not _streams:
        _streams.append(Streams())
    try:
        return facts(), run(digest, data, call, _streams[0])
    finally:
        sys.stdout, sys.stderr = before


def run_in_thread(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ending:
    """Call a function in a thread of the master's own process; a value stands in a tuple, as it is."""
    started = time.time()
    try:
        value = function(*args, **kwargs)
    except BaseException as error:  # SystemExit as well: it would end the pool's thread in silence
        return Ending(
            ending.EXCEPTION,
            type=values.type_name(error),
            message=text.message_of(error),
            traceback=_traceback(error),
            started=started,
            error=error,
        )
    return Ending(ending.VALUE, (value,), started=started)  # type: ignore[arg-type]
