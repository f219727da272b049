"""The worker's command: runs one task in the current folder. Started by the launcher, or by hand."""

import os
import signal
import sys

from pymw_worker import environment, options, supervise
from pymw_worker.boinc import client, exit_codes, slot
from pymw_worker.clock import Clock
from pymw_worker.interruption import Interrupted, Interruption
from pymw_worker.messages import open_stderr, say
from pymw_worker.text import message_of

_USAGE = """%prog [options]

Runs one PyMW task in the current folder: reads the code bundle and the arguments, calls
the function in a process of its own, and writes the result and the log.

  By hand:         put pymw_bundle and pymw_arguments into a folder, go there, and run
                   this; or name them: --bundle FILE --arguments FILE. Ctrl-C stops it.
  Under a client:  where there is an init_data.xml, the BOINC client is obeyed (suspend,
                   resume, quit, abort), told about progress, and file names may be
                   BOINC's soft links.

Exit status: 0 a result was written, also if the function raised an exception; 195 the
task's process died; 205 out of memory; 206 it could not be started or loaded here;
194 the client aborted it; 130 Ctrl-C."""

_RETRY = 300  # seconds; what the operating system refuses now, such as space on the disk, it may grant later


def main(python=None, loaded=None):
    """Run the worker with the arguments of this process, and exit.

    python: the embedded.Runtime whose Python this is, if it is one's. loaded: for environment.starter.
    """
    open_stderr(os.getcwd())
    found = parse(sys.argv[1:])
    if found.serve:
        from pymw_worker import resident

        resident.start()
    interruption = Interruption()
    try:
        code = run(slot.Slot(os.getcwd()), found, interruption, python=python, loaded=loaded)
    except Interrupted:
        code = _exit_after(interruption.signal)
    except KeyboardInterrupt:  # before we listened
        code = _exit_after(signal.SIGINT)
    os._exit(code)  # what was said is written; Python would take apart each module first


def parse(arguments):
    """Return the options. Exits with status 2 and one sentence if they make no sense."""
    parser = options.parser(_USAGE)
    parser.add_option(
        "--serve",
        action="store_true",
        default=False,
        help="stay, and run one task after another as told on stdin; to be given alone (docs/worker.md)",
    )
    found = options.read(parser, arguments)
    if found.serve and len(arguments) > 1:
        parser.error("--serve stands alone: a task's options come on stdin")
    return found


def run(here, task_options, interruption, lock_patience=slot.LOCK_PATIENCE, python=None, loaded=None):
    """Run the task of a Slot; return the exit code of this process. python, loaded: as in `main`."""
    code = here.finish_code()
    if code is not None:
        say("this job is finished already")
        return code
    try:
        try:
            if not here.lock(lock_patience):
                return _postpone(
                    here,
                    slot.LOCK_POSTPONED,
                    "Waiting to acquire slot directory lock.  Another instance may be running.",
                )
            here.forget_postponement()
            clock = Clock()
            interruption.listen()
            start = environment.starter(interruption, loaded)
            boss = client.connect(here.folder, clock)
            return supervise.Supervisor(here, boss, clock, task_options, interruption, start, python).run()
        except Interrupted:
            raise
        except supervise.Postponed:
            postponed = sys.exc_info()[1]
            return _postpone(here, postponed.seconds, message_of(postponed))
        except EnvironmentError:
            return _postpone(here, _RETRY, message_of(sys.exc_info()[1]))
        except Exception:
            sys.excepthook(*sys.exc_info())
            say("this is a defect of the worker")
            return exit_codes.INIT_FAILURE
    finally:
        here.unlock()


def _postpone(here, seconds, reason):
    """End for now. By hand there is nobody to start us again, so it is a failure."""
    say(reason)
    if not here.has_client:
        return exit_codes.INIT_FAILURE
    try:
        here.postpone(seconds, reason)
    except EnvironmentError:
        say("even this could not be written for the client, which will start us again at once")
    return exit_codes.OK


def _exit_after(number):
    """Under a client, end by the signal that asked us to: the restart is then not counted as a failure."""
    if hasattr(os, "killpg") and os.path.exists("init_data.xml"):
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return 128 + number


if __name__ == "__main__":
    main()
