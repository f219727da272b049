"""What the supervisor remembers from one run of a job to the next, in the slot's file pymw_state."""

import time

from pymw_worker import durable

_NUMBERS = ("cpu", "elapsed", "starts", "kills", "started")


class State(object):
    """What is remembered.

    job: identity of the task that the slot's files belong to.
    cpu, elapsed: seconds up to the last checkpoint. starts: how often the task was started. kills: how
    often in a row it was killed from outside, without a new checkpoint in between. started: unix time of
    the first start.
    """

    def __init__(self, job):
        self.job = job
        self.cpu = 0.0
        self.elapsed = 0.0
        self.starts = 0
        self.kills = 0
        self.started = time.time()

    def write(self, path):
        """Write it durably. Raises EnvironmentError."""
        lines = ["job: %s\n" % self.job]
        lines += ["%s: %r\n" % (name, getattr(self, name)) for name in _NUMBERS]
        durable.write_bytes(path, "".join(lines).encode("ascii"))


def read(path, job):
    """Return the State in a file; a new one if there is none, or it is another job's or damaged."""
    state = State(job)
    try:
        stream = open(path, "rb")
        try:
            text = stream.read(4096).decode("ascii")
        finally:
            stream.close()
        facts = dict([line.split(": ", 1) for line in text.splitlines()])
        if facts["job"] != job:
            return state
        for name in _NUMBERS:
            setattr(state, name, type(getattr(state, name))(facts[name]))
    except (EnvironmentError, KeyError, ValueError):
        return State(job)
    return state
