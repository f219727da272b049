"""From what the task left behind to what goes back to the project: result, log, stderr and exit code."""

import os
import sys
import time

from pymw_worker import computer, durable, environment, log, names, outcome
from pymw_worker.boinc import exit_codes
from pymw_worker.errors import FormatError
from pymw_worker.messages import say, write
from pymw_worker.text import to_text

# What the function did is a result like another, what depends on the computer is an error: docs/formats.md.
EXIT_CODES = {
    outcome.VALUE: exit_codes.OK,
    outcome.EXCEPTION: exit_codes.OK,
    outcome.UNRETURNABLE: exit_codes.OK,
    outcome.UNLOADABLE: exit_codes.INIT_FAILURE,
    outcome.MEMORY: exit_codes.OUT_OF_MEMORY,
    outcome.DIED: exit_codes.CHILD_FAILED,
}

# The client sends the last 63 KiB of stderr.txt; some of it belongs to our own messages.
SHOWN = 60 << 10


_NOTHING = ("".encode("ascii"), 0)


class Report(object):
    """What the supervisor knows about a run of the task, for the log.

    exit: in words how the task's process ended. state: the job's State. stdout, stderr: (last bytes, number
    of bytes cut before them).
    """

    def __init__(self, exit, state, stdout=_NOTHING, stderr=_NOTHING):
        self.exit = exit
        self.state = state
        self.stdout = stdout
        self.stderr = stderr


def settle(path, status, words, max_result):
    """Make sure that there is a whole outcome at `path`: the task's own if it ended well, else a death.

    Returns the outcome's status.

    status: exit status of the task's process. words: the same in words. max_result: bytes, None for no
    limit. Raises EnvironmentError.
    """
    message = None
    if status != 0:
        message = "the task's process %s" % words
    elif not os.path.exists(path):
        message = (
            "the task's process ended with exit status 0 and left no outcome: it probably called os._exit"
        )
    else:
        try:
            found = outcome.read(path).status
        except FormatError:
            message = "the task's process left a damaged outcome: %s" % sys.exc_info()[1]
    if message:
        outcome.write_died(path, message)
        return outcome.DIED
    if max_result is not None and os.path.getsize(path) > max_result:
        message = "the result has %d bytes; at most %d are allowed" % (os.path.getsize(path), max_result)
        outcome.write(path, outcome.UNRETURNABLE, message=message)
        return outcome.UNRETURNABLE
    return found


def deliver(slot, result, log_path, report):
    """Write result and log, durably, where the client looks for them; return the Outcome.

    result, log_path: absolute paths. Raises EnvironmentError, for instance if the disk is full.
    """
    # A worker may have been killed while it wrote them; the folder is not only ours.
    for path in (result, log_path):
        durable.sweep(os.path.dirname(path), os.path.basename(path) + ".")
    data = _read(slot.path(names.OUTCOME))
    found = outcome.read(slot.path(names.OUTCOME))
    durable.write_bytes(result, data)
    log.write(log_path, _facts(report), report.stdout[0], report.stderr[0], _traceback(slot))
    return found


def tell(slot, found, report):
    """Say on stderr how it went.

    After an error exit the client sends no files, so what we know must stand here.
    """
    if found.status == outcome.VALUE:
        say("the task returned a value")
        return
    words = found.message
    if found.status == outcome.EXCEPTION:
        words = "the function raised %s: %s; this is a result like another" % (found.type, words)
    say(words)
    if EXIT_CODES[found.status] != exit_codes.OK:
        for title, text in (("stderr", to_text(report.stderr[0])), ("traceback", _traceback(slot))):
            if text.strip():
                write("--- the task's %s ---\n%s\n" % (title, text[-SHOWN // 2 :].rstrip()))


def _traceback(slot):
    return to_text(_read(slot.path(names.TRACEBACK)))


def _facts(report):
    return {
        "started": _utc(report.state.started),
        "finished": _utc(time.time()),
        "elapsed": "%.3f" % report.state.elapsed,
        "cpu": "%.3f" % report.state.cpu,
        "restarts": "%d" % max(0, report.state.starts - 1),
        "python": sys.version.split()[0],
        "platform": computer.describe(),
        "worker": os.path.basename(environment.archive()),
        "exit": report.exit,
        "stdout-cut": "%d" % report.stdout[1],
        "stderr-cut": "%d" % report.stderr[1],
    }


def _utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _read(path):
    """The bytes of a file, none if it isn't there."""
    if not os.path.exists(path):
        return "".encode("ascii")
    stream = open(path, "rb")
    try:
        return stream.read()
    finally:
        stream.close()
