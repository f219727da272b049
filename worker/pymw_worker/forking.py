"""Unix: starts a task as a fork of this process, which has imported already what a task needs."""

import errno
import os
import sys

from pymw_worker import descriptors, process_posix, task
from pymw_worker.guard import Guard

_CRASHED = 1  # exit status of a Python that an exception has ended


class Forker(object):
    """Starts tasks, one after another, and kills the last one's tree when this process dies.

    To be used while there is only one thread: a fork has no others, and inherits their locks.
    """

    def __init__(self, interruption, loaded):
        """loaded: names of the modules that a task's process has before it loads its bundle."""
        process_posix.adopt_orphans()
        self._guard = Guard()
        self._interruption = interruption
        self._ours = [name for name in sys.modules if name not in loaded]

    def start(self, words, folder, environment):
        """Start the process of a task and return its Tree; as environment.start. Raises EnvironmentError."""
        pipes = _pipes(4)
        try:
            (stdin, no_input), (stdout_end, stdout), (stderr_end, stderr), (report_end, report) = pipes
            pid = os.fork()
            if pid == 0:
                self._become_task(words, folder, environment, (stdin, stdout, stderr), report)
            for descriptor in (stdin, no_input, stdout, stderr, report):
                descriptors.close(descriptor)
            refusal = _read(report_end)
            descriptors.close(report_end)
            if refusal:
                self._guard.tell([-pid])  # as the fork has done
                self._release_guard()
                os.waitpid(pid, 0)
                raise OSError(int(refusal), os.strerror(int(refusal)))
        except:
            for descriptor in sum(pipes, ()):
                descriptors.close(descriptor)
            raise
        return process_posix.Tree(_Started(pid, stdout_end, stderr_end), self._guard, self._release_guard)

    def _release_guard(self):
        self._guard.tell([])

    def _become_task(self, words, folder, environment, streams, report):
        """In the fork: be as a process that was started afresh, and run the task. Never returns."""
        try:
            try:
                self._start_afresh(folder, environment, streams, report)
            except EnvironmentError:
                os.write(report, ("%d" % (sys.exc_info()[1].errno or 0)).encode("ascii"))
                os._exit(_CRASHED)
            os.close(report)  # tells the worker that we are on our way
            sys.argv[:] = ["-c"] + words
            task.main(self._ours)
        except:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(_CRASHED)

    def _start_afresh(self, folder, environment, streams, report):
        os.setsid()
        # Before the worker does so itself: it may be killed in between. The guard waits for us to let go.
        self._guard.tell([-os.getpid()])
        os.chdir(folder)
        if "random" in sys.modules:  # Python < 3.7 leaves it as it was, and all tasks would draw the same
            sys.modules["random"].seed()  # before files are closed: Python 2 keeps /dev/urandom open for it
        for descriptor, stream in enumerate(streams):
            os.dup2(stream, descriptor)
        descriptors.close_all_but(0, 1, 2, report)
        self._interruption.forget()
        for name in list(os.environ.keys()):
            if name not in environment:
                del os.environ[name]
        os.environ.update(environment)


class _Started(object):
    """What a Tree wants to know of its first process."""

    def __init__(self, pid, stdout, stderr):
        self.pid = pid
        self.stdout = os.fdopen(stdout, "rb", 0)
        self.stderr = os.fdopen(stderr, "rb", 0)


def _pipes(count):
    """Return so many (reading end, writing end); none are left open if the system refuses one."""
    made = []
    try:
        for _ in range(count):
            made.append(os.pipe())
    except OSError:
        for descriptor in sum(made, ()):
            descriptors.close(descriptor)
        raise
    return made


def _read(descriptor):
    """Read to the end, whatever signals come meanwhile."""
    while True:
        try:
            return os.read(descriptor, 16)
        except OSError:
            if sys.exc_info()[1].errno != errno.EINTR:
                raise
