"""The task's own process: loads the function, calls it, and leaves what became of it for the supervisor.

    PYTHON -c '<as in docs/launcher.md, with pymw_worker.task>' ARCHIVE BUNDLE ARGUMENTS SLOT

The current folder is the task's folder. All paths are absolute.
"""

import os
import sys
import types

from pymw_worker import confinement, names, outcome, text
from pymw_worker.errors import FormatError, Unloadable, Unreturnable

MAX_TRACEBACK = 1 << 18  # bytes
UNWRITABLE = 74  # exit status when files cannot be written, as on a full disk (EX_IOERR of sysexits.h)


_boot = []  # kept: Python 2 empties a module that nobody has any more


def main(preloaded=()):
    """Run the task; ends the process with status 0 if there is an outcome, else with UNWRITABLE.

    preloaded: names of modules that a process started for the task would not have had by now.
    """
    bundle_path, arguments_path, slot = sys.argv[1:4]
    os.environ[names.SLOT_VARIABLE] = slot
    confinement.apply(slot)
    _open_streams()
    _boot.append(sys.modules["__main__"])
    sys.modules["__main__"] = types.ModuleType("__main__")  # with nothing of ours in it
    process = os.getpid()
    try:
        result = _run(bundle_path, arguments_path, slot, preloaded)
        if os.getpid() == process:  # else: a process that the function forked, and that returned from it too
            outcome.write(os.path.join(slot, names.OUTCOME), **result)
    except EnvironmentError:
        why = text.reason(sys.exc_info()[1])
        sys.stderr.write("pymw worker: the task's files cannot be written: %s\n" % why)
        _end(UNWRITABLE)
    _end(0)


def _run(bundle_path, arguments_path, slot, preloaded):
    """What became of the task, as keyword arguments of outcome.write."""
    from pymw_worker import function

    try:
        call, args, kwargs = function.load(bundle_path, arguments_path, os.getcwd(), preloaded)
    except MemoryError:
        return _out_of_memory(slot)
    except FormatError:
        return dict(status=outcome.UNLOADABLE, message=text.message_of(sys.exc_info()[1]))
    except Unloadable:
        error = sys.exc_info()[1]
        _keep_traceback(slot)
        return dict(status=outcome.UNLOADABLE, type=error.kind, message=text.message_of(error))
    sys.argv[:] = [sys.modules["__main__"].__file__]
    try:
        value = call(*args, **kwargs)
    except MemoryError:
        return _out_of_memory(slot)
    except:  # SystemExit and KeyboardInterrupt as well: the function raised them, nobody else could
        return _raised(slot)
    return _returned(value)


def _returned(value):
    from pymw_worker import values

    try:
        return dict(status=outcome.VALUE, value_bytes=values.dumps(value))
    except MemoryError:
        return dict(status=outcome.MEMORY, message="the task ran out of memory while its value was pickled")
    except Unreturnable:
        return dict(status=outcome.UNRETURNABLE, message=text.message_of(sys.exc_info()[1]))


def _raised(slot):
    """What to report of the exception that is being handled."""
    from pymw_worker import values

    error = sys.exc_info()[1]
    _keep_traceback(slot)
    result = dict(status=outcome.EXCEPTION, type=values.type_name(error), message=text.message_of(error))
    try:
        result["exception_bytes"] = values.dumps(error)
    except (Unreturnable, MemoryError):
        pass
    return result


def _out_of_memory(slot):
    _keep_traceback(slot)
    return dict(status=outcome.MEMORY, message="the task ran out of memory")


def _keep_traceback(slot):
    """Write the traceback of the exception that is being handled, without the worker's own frames."""
    import traceback

    kind, error, frames = sys.exc_info()
    while frames is not None and frames.tb_frame.f_globals.get("__name__", "").startswith("pymw_worker."):
        frames = frames.tb_next
    try:
        lines = traceback.format_exception(kind, error, frames)
    except Exception:  # an exception whose own methods raise
        lines = traceback.format_tb(frames) + [kind.__name__ + "\n"]
    written = text.to_bytes(text.to_text("").join([text.to_text(line) for line in lines]))
    stream = open(os.path.join(slot, names.TRACEBACK), "wb")
    try:
        stream.write(written[-MAX_TRACEBACK:])
    finally:
        stream.close()


def _open_streams():
    """Line by line, so that nothing is lost when the process dies; never an error for a character."""
    try:
        import faulthandler  # novm: Python < 3.3 does without

        faulthandler.enable()
    except ImportError:
        pass
    if text.PYTHON_3:
        how = ("w", 1, "utf-8", "backslashreplace", "\n", False)
        sys.stdout, sys.stderr = open(1, *how), open(2, *how)
    else:
        sys.stdout = os.fdopen(1, "w", 1)
        sys.stderr = os.fdopen(2, "w", 0)


def _end(status):
    """End at once: threads that the function left behind must not keep the process."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the function may have put anything there
            pass
    os._exit(status)
