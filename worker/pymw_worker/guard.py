"""Unix: a process that outlives the worker, if that is killed, for long enough to kill the task's tree.

A task that is stopped, or that is deep in compiled code, can't notice by itself that its worker is gone.
Windows has job objects for this.
"""

import os
import signal

from pymw_worker import descriptors


class Guard(object):
    """Knows whom to kill when this process dies, in whatever way. Start it before there are threads."""

    def __init__(self):
        ear, self._mouth = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _watch(ear)
            finally:
                os._exit(0)
        os.close(ear)
        descriptors.keep_from_children(self._mouth)
        self._told = None

    def tell(self, victims):
        """Replace the list of victims: process ids, or the negative id of a process group."""
        if self._mouth is not None and victims != self._told:
            line = " ".join([str(victim) for victim in victims]) + "\n"
            try:
                os.write(self._mouth, line.encode("ascii"))
            except OSError:
                pass  # somebody has killed the guard; we go on without
            self._told = victims

    def dismiss(self):
        """End the guard without killing anybody."""
        if self._mouth is not None:
            self.tell([])
            os.close(self._mouth)
            self._mouth = None
            try:
                os.waitpid(self.pid, 0)
            except OSError:
                pass


def _watch(ear):
    """In the guard: wait until all writing ends of the pipe are closed, then kill those named last."""
    os.setsid()
    for name in ("SIGHUP", "SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    descriptors.close_all_but(ear)  # stderr.txt, the pipe's other end and whatever else was open here
    heard = ""
    while True:
        data = os.read(ear, 65536).decode("ascii")
        if not data:
            break
        heard = "\n".join((heard + data).split("\n")[-2:])
    for victim in heard.split("\n")[0].split():
        _kill(int(victim))


def _kill(victim):
    try:
        if victim < 0:
            os.killpg(-victim, signal.SIGKILL)
        else:
            os.kill(victim, signal.SIGKILL)
    except OSError:
        pass
