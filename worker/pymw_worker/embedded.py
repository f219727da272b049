"""The Python that the launcher has unpacked, if that is what we run in: is it what it was?"""

import os
import subprocess
import time

_DAMAGED = 1  # the launcher's exit status
_PATIENCE = 60.0  # seconds; some hundred MB are read


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
