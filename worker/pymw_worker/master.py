"""The master at the other end of stdin and stdout, as the supervisor's client.

docs/worker.md has the words that are exchanged.
"""

import os
import sys

from pymw_worker import words
from pymw_worker.boinc.client import ABORT, GONE
from pymw_worker.options import NotUnderstood

if os.name == "nt":
    from pymw_worker import pipe_windows as host
else:
    from pymw_worker import pipe_posix as host


class Master(object):
    """Who wants tasks to be run. Make it once, first of all: from then on nobody else has stdin and stdout.

    gone: whether it has closed its end, or died.
    """

    previous_cpu = 0.0
    previous_elapsed = 0.0
    reads_stderr = False  # result and log tell it
    grace = 0.5  # seconds; when a master has died, all is to be over within one

    def __init__(self):
        self.gone = False
        self._lines, self._answers = host.take_streams()
        self._heard = []
        self.alarm = self._lines.alarm

    def next_task(self):
        """Wait for the next task; return its words, None if the master is gone. Raises NotUnderstood."""
        while not self.gone:
            while self._heard:
                heard = _understood(self._heard.pop(0))
                if heard[0] == "run":
                    return heard[1:]
                # else a cancel that came too late: its task has ended
            self._hear(True)
        return None

    def wishes(self):
        """Return what is wanted of the running task: ABORT, GONE or nothing. Raises NotUnderstood."""
        self._hear(False)
        if self.gone:
            return [GONE]
        if not self._heard:
            return []
        if _understood(self._heard.pop(0))[0] == "run":
            raise NotUnderstood("a task was to be run while another one still runs")
        return [ABORT]

    def report(self, cpu, checkpoint_cpu, fraction):
        """Do nothing, with success: the master reads the progress in the slot."""
        return True

    def answer(self, *answer):
        """Write one line."""
        line = " ".join([words.escape(word) for word in answer]) + "\n"
        try:
            os.write(self._answers, line.encode("ascii"))
        except OSError:  # it is not there to read it
            self.gone = True

    def _hear(self, wait):
        if not self.gone:
            self._heard += self._lines.take(wait)
            self.gone = self._lines.ended


def _understood(line):
    """Return the words of a line. Raises NotUnderstood."""
    try:
        heard = [words.unescape(word) for word in str(line.decode("ascii")).split(" ")]
    except ValueError:
        raise NotUnderstood("%s is no line of words: %s" % (_shown(line), sys.exc_info()[1]))
    if heard[0] == "run" and len(heard) > 1 or heard == ["cancel"]:
        return heard
    raise NotUnderstood("%s is neither `run SLOT OPTION...` nor `cancel`" % _shown(line))


def _shown(line):
    return repr(line.decode("latin-1"))
