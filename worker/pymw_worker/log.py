"""The log of a task: what replicas may differ in, and validation leaves out."""

from pymw_worker import container, text
from pymw_worker.errors import FormatError

KIND = "log"
MEMBERS = ["stderr", "stdout", "traceback"]


class Log(object):
    """What a log file says. facts: dictionary, text to text. stdout, stderr: bytes. traceback: text."""

    def __init__(self, facts, stdout, stderr, traceback):
        self.facts = facts
        self.stdout = stdout
        self.stderr = stderr
        self.traceback = traceback


def write(path, facts, stdout, stderr, traceback):
    """Write a log file durably; the arguments are Log's. Raises OSError or IOError."""
    members = {"stdout": stdout, "stderr": stderr, "traceback": text.to_bytes(traceback)}
    container.write(path, KIND, facts, members, compress=True)


def read(source, limit=None):
    """Read a log file (path or bytes) and check all of it; returns a Log.

    limit: the most bytes that its members may have together; None for no limit. Raises FormatError.
    """
    box = container.read(source, KIND, limit)
    if sorted(box.members) != MEMBERS:
        raise FormatError("the log has other members than it should")
    return Log(box.facts, box.read("stdout"), box.read("stderr"), text.to_text(box.read("traceback")))
