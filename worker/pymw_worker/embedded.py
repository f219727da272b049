"""The worker in the Python that the launcher has unpacked: is it what it was?"""

import os
import sys
import time

_DAMAGED = 1  # the launcher's exit status
_PATIENCE = 60.0  # seconds; some hundred MB are read


def main():
    """Run the worker as its __main__ does. The first two arguments are what the Runtime wants to know."""
    runtime = Runtime(sys.argv.pop(1), sys.argv.pop(1))
    loaded = None
    if hasattr(os, "fork"):  # the launcher has given us a task's environment variables, and no -E
        from pymw_worker import function, task  # noqa: F401

        loaded = list(sys.modules)
    import pymw_worker.__main__ as worker

    worker.main(runtime, loaded)


class Runtime(object):
    """An embedded Python, which has come so far that it runs us.

    doubt: path of the file by which the launcher sees, next time, that it has not. launcher: its path.
    """

    def __init__(self, doubt, launcher):
        self._folder = os.path.dirname(doubt)
        self._launcher = launcher
        try:
            os.remove(doubt)
        except OSError:
            pass  # another start's worker has; or the folder is read-only, and there was none

    def is_damaged(self):
        """Return whether a byte of it differs from what was unpacked, or it has gone. Takes a moment.

        A launcher that can't be asked says no: the result then goes to where other computers' are compared.
        """
        import subprocess

        try:
            process = subprocess.Popen([self._launcher, "--verify", self._folder], close_fds=os.name != "nt")
        except EnvironmentError:
            return not os.path.isdir(self._folder)
        deadline = time.time() + _PATIENCE
        while process.poll() is None and 0 < deadline - time.time() <= _PATIENCE:
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, 9)
            process.wait()
        return process.returncode == _DAMAGED
