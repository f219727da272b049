"""The worker that stays: runs one task after another for a master at the other end of stdin and stdout."""

import os
import signal
import sys

from pymw_worker import durable, environment, options, supervise
from pymw_worker.boinc import exit_codes, slot
from pymw_worker.clock import Clock
from pymw_worker.interruption import Interrupted, Interruption
from pymw_worker.master import Master
from pymw_worker.messages import say
from pymw_worker.options import NotUnderstood
from pymw_worker.text import message_of

_NONSENSE = 2  # exit status

# Beside what we need ourselves; the forks need not import it again.
_NEEDED = (
    "pymw_worker.function",
    "pymw_worker.values",
    "pymw_worker.checkpoint",
    "pymw_worker.reporting",
    "hashlib",
    "random",
    "zlib",
    "faulthandler",
    "cloudpickle",
)


def start():
    """Become a worker that stays. Does not return."""
    if not hasattr(os, "fork"):
        main(None)
    # Forks have our hash seed and our sys.flags, so that we need to be started as a task's process is.
    command = environment.resident_command()
    os.execve(command[0], command, environment.common_variables(os.environ, False))


def main(loaded):
    """Serve, and exit. loaded: names of the modules that a task's process has when it starts."""
    interruption = Interruption()
    try:
        interruption.listen()
        master = Master()
        durable.do_without_sync()  # the master keeps elsewhere what must outlive a power failure
        code = _serve(master, _starter(interruption, loaded), interruption)
    except Interrupted:
        code = 128 + interruption.signal
    except KeyboardInterrupt:  # before we listened
        code = 128 + signal.SIGINT
    except (NotUnderstood, EnvironmentError):
        say(message_of(sys.exc_info()[1]))
        code = _NONSENSE
    sys.exit(code)


def _serve(master, start_process, interruption):
    """Run what the master wants, until it is gone; return the exit code of this process."""
    master.answer("ready", "%d.%d.%d" % sys.version_info[:3])
    while True:
        words = _next_task(master, interruption)
        if words is None:
            return exit_codes.OK
        answer = _run(words, master, start_process, interruption)
        if not master.gone:
            master.answer(*answer)


def _next_task(master, interruption):
    interruption.at_once = True
    if interruption.signal is not None:
        raise Interrupted()
    try:
        return master.next_task()
    finally:
        interruption.at_once = False


def _run(words, master, start_process, interruption):
    """Run one task; return the words of the answer. Raises Interrupted and NotUnderstood."""
    task_options = options.parse(words[1:])
    here = slot.Slot(words[0])
    clock = Clock()
    try:
        try:
            if not here.lock(0):
                return "failed", "another worker is at work in %s" % here.folder
            me = supervise.Supervisor(here, master, clock, task_options, interruption, start_process)
            code = me.run()
        finally:
            here.unlock()
    except (Interrupted, NotUnderstood):
        raise
    except (EnvironmentError, supervise.Postponed):
        return "failed", message_of(sys.exc_info()[1])
    except Exception:
        say("this is a defect of the worker")
        sys.excepthook(*sys.exc_info())
        return "failed", "a defect of the worker: %s" % message_of(sys.exc_info()[1])
    if code == exit_codes.ABORTED_BY_CLIENT:
        return ("cancelled",)
    return "done", "%d" % code


def _starter(interruption, loaded):
    """Return what starts a task's process; where we can fork, import before what every task needs."""
    for name in loaded is not None and _NEEDED or ():
        try:
            __import__(name)
        except Exception:  # it is for the task to do without, or to say so
            pass
    return environment.starter(interruption, loaded)
