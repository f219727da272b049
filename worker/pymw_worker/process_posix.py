"""Unix: the task's tree. It has a process group of its own; those that leave the group are looked for."""

import errno
import os
import signal
import sys
import time

from pymw_worker import census, names
from pymw_worker.guard import Guard

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_KILL_PATIENCE = 5.0  # seconds until we give up on processes that even SIGKILL doesn't end
_CENSUS_COST = 400  # censuses may take a quarter of a hundredth of our time


def spawn(command, folder, environment):
    """Start a command and return its Tree. Raises EnvironmentError."""
    import subprocess

    adopt_orphans()
    guard = Guard()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=True,
            preexec_fn=os.setsid,
        )
    except EnvironmentError:
        guard.dismiss()
        raise
    process.stdin.close()  # nothing to read; /dev/null may be missing where we run
    return Tree(process, guard, guard.dismiss)


class Tree(object):
    """A process in a session of its own, and all that it starts.

    stdout, stderr: the pipes; stdin is at its end. status: None while the first process runs, then its
    exit status, negative for a signal. Children of this process that are not the tree's would be taken for
    its own: a worker has one task at a time.
    """

    def __init__(self, process, guard, release_guard):
        """process: has the id, stdout and stderr. release_guard: called when nothing of the tree is left."""
        self.status = None
        self.stdout, self.stderr = process.stdout, process.stderr
        self._process = process
        self._guard = guard
        self._release_guard = release_guard
        self._group = process.pid
        self._members = []
        self._next_census = 0.0
        self._ended_cpu = 0.0
        self._cpu = 0.0
        guard.tell([-self._group])

    def poll(self):
        """Return the status of the first process, None while it runs. Takes in what has ended."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except OSError:
                return self.status  # no children left
            if pid == 0:
                return self.status
            if pid != self._guard.pid:
                self._ended_cpu += usage.ru_utime + usage.ru_stime
            if pid == self._group:
                self.status = _decoded(status)
                self._process.returncode = self.status

    def cpu_time(self):
        """Return the CPU seconds of the whole tree so far, of ended processes too.

        Never less than the time before.
        """
        started = time.time()
        if not 0.0 <= self._next_census - started < 3600.0:  # due, or the clock was set
            self._take_census()
            self._next_census = started + _CENSUS_COST * max(0.0, time.time() - started)
        else:
            self._members = census.again(self._members)
            self._count_cpu()
        return self._cpu

    def suspend(self):
        """Stop all of it, within milliseconds."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self, grace):
        """End all of it: SIGTERM, and SIGKILL after `grace` seconds.

        SIGKILL at once for what is left after the first process has ended.
        """
        if self.poll() is None and grace > 0:
            self._take_census()
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
            self._wait(grace)
        deadline = time.time() + _KILL_PATIENCE
        self._take_census()
        while self._members and time.time() < deadline:
            self._signal(signal.SIGKILL)
            time.sleep(0.005)
            self.poll()
            self._take_census()
        self.poll()
        self._release_guard()

    def _wait(self, seconds):
        """Wait until the first process has ended, but not for longer."""
        deadline = time.time() + seconds
        while self.poll() is None and time.time() < deadline:
            time.sleep(0.01)

    def _take_census(self):
        if self.status is not None and self._is_gone():
            self._members = []
        else:
            self._members = census.take(os.getpid(), self._group, self._members, (self._guard.pid,))
        self._count_cpu()
        self._guard.tell([-self._group] + self._strays())

    def _count_cpu(self):
        self._cpu = max(self._cpu, self._ended_cpu + sum([member.cpu for member in self._members]))

    def _is_gone(self):
        """Return whether nothing is left, now that the first process has ended. Much cheaper than a census.

        Orphans are our children by now on Linux, and elsewhere not to be found outside of the group.
        """
        try:
            os.killpg(self._group, 0)
            return False
        except OSError:
            if sys.exc_info()[1].errno != errno.ESRCH or self._strays():
                return False
        children = census.children()
        if children is None:
            return not sys.platform.startswith("linux")
        return not [pid for pid in children if pid != self._guard.pid]

    def _strays(self):
        return sorted([member.pid for member in self._members if member.group != self._group])

    def _signal(self, number):
        for send, target in [(os.killpg, self._group)] + [(os.kill, pid) for pid in self._strays()]:
            try:
                send(target, number)
            except OSError:
                if sys.exc_info()[1].errno not in (errno.ESRCH, errno.EPERM):
                    raise


def _decoded(status):
    if os.WIFSIGNALED(status):
        return -os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def adopt_orphans():
    """Linux: processes of the tree whose parent has ended become our children, so that we see them.

    To be called before a tree is started, once or more.
    """
    if sys.platform.startswith("linux"):
        if os.environ.pop(names.SUBREAPER_VARIABLE, "") == str(os.getpid()):
            return
        try:
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (ImportError, AttributeError, EnvironmentError):
            pass  # an old kernel, or a Python without ctypes: they are found by their process group
