"""The slot folder, and the client's files in it (client/app_control.cpp, lib/filesys.cpp)."""

import os
import re
import time

from pymw_worker import durable
from pymw_worker.boinc import init_data
from pymw_worker.text import to_bytes

if os.name == "nt":
    from pymw_worker.boinc import on_windows as host
else:
    from pymw_worker.boinc import on_posix as host

LOCK_FILE = "boinc_lockfile"
FINISH_FILE = "boinc_finish_called"
TEMPORARY_EXIT_FILE = "boinc_temporary_exit"

LOCK_PATIENCE = 35.0  # seconds; the stock runtime's
LOCK_POSTPONED = 600  # seconds; the stock runtime's

_LONGEST_LINK = 512  # bytes of the first line that the stock runtime looks at
_SOFT_LINK = re.compile("<soft_link>(.*?)</soft_link>")


class Slot(object):
    """The folder in which one job runs.

    Without a client it is any folder, and a logical name is a file in it.
    """

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.has_client = os.path.exists(self.path(init_data.NAME))
        self._lock = host.Lock(self.path(LOCK_FILE))

    def path(self, name):
        """Return the absolute path of a file in the slot."""
        return os.path.join(self.folder, name)

    def resolve(self, name):
        """Return the absolute path of the file that a logical name stands for.

        The client puts a file of one line into the slot: <soft_link>../../projects/SITE/NAME</soft_link>.
        """
        path = self.path(name)
        if os.path.isfile(path) and not os.path.islink(path):
            link = _SOFT_LINK.match(init_data.decode(_first_line(path)))
            if link:
                return os.path.normpath(self.path(link.group(1)))
        return path

    def lock(self, patience=LOCK_PATIENCE):
        """Try to get the slot for ourselves alone, for so many seconds. Returns whether we have it.

        Nothing else is done meanwhile, on purpose: the client's channels have room for one reader each, and
        that is who holds the lock. The wait is shorter than everything that a client waits for (60 s after
        <quit/>). Raises EnvironmentError if the lock's file can't be made.
        """
        deadline = time.time() + patience
        while not self._lock.acquire():
            if not 0.0 < deadline - time.time() <= patience:
                return False
            time.sleep(0.2)
        return True

    def unlock(self):
        """Give the slot free. Harmless if we don't have it."""
        self._lock.release()

    def finish_code(self):
        """Return the exit code in the finish file of an earlier run, None if there is none.

        A process that goes on working beside such a file is aborted after 300 s.
        """
        if not os.path.exists(self.path(FINISH_FILE)):
            return None
        try:
            return int(_first_line(self.path(FINISH_FILE)))
        except ValueError:
            return 0  # only successes are marked so

    def finish(self):
        """Tell the client that the job is done and its output files are complete. Raises EnvironmentError."""
        durable.write_bytes(self.path(FINISH_FILE), "0\n".encode("ascii"))

    def postpone(self, seconds, reason):
        """Tell the client to start the job again, not before so many seconds (at most 86400) have passed.

        reason: for the volunteer, one line. Without it the client ignores the file. Raises EnvironmentError.
        """
        text = "%d\n%s\n" % (seconds, " ".join(reason.split()))
        durable.write_bytes(self.path(TEMPORARY_EXIT_FILE), to_bytes(text))

    def forget_postponement(self):
        """Remove what an earlier run told the client by `postpone`. Raises EnvironmentError.

        The client does that too, before it starts us; if the file stayed, it would take any end for one more
        postponement, as on Unix it looks for the file first.
        """
        path = self.path(TEMPORARY_EXIT_FILE)
        if os.path.lexists(path):
            os.remove(path)


def _first_line(path):
    stream = open(path, "rb")
    try:
        return stream.readline(_LONGEST_LINK)
    finally:
        stream.close()
