"""The client: what it wants of us and what it is told."""

import sys

from pymw_worker.boinc import channels, init_data, shared_memory
from pymw_worker.boinc.init_data import InitData
from pymw_worker.boinc.shared_memory import NoSharedMemory, host
from pymw_worker.messages import say

# What a client may want. GONE is what we notice ourselves: it is dead, or has been silent for too long.
SUSPEND, RESUME, QUIT, ABORT, GONE = "suspend", "resume", "quit", "abort", "gone"

KILL_GRACE = 1.0  # seconds between SIGTERM and SIGKILL
ALIVE_CHECK_PERIOD = 10.0  # seconds
HEARTBEAT_PATIENCE = 30.0  # seconds; only for a client that doesn't say its process id


def connect(folder, clock):
    """Return who started us in this folder: a Client, or Nobody if there is no init_data.xml in it.

    A client that can't be understood, or without shared memory, is a Client that never wants anything.
    """
    try:
        data = init_data.read(folder)
    except init_data.Unreadable:
        say("%s: working without talking to the client" % sys.exc_info()[1])
        return Client(folder, InitData(""), None, clock)
    if data is None:
        return Nobody()
    init_data.blank_secrets(folder)
    try:
        memory = shared_memory.attach(folder, data)
    except NoSharedMemory:
        say("no shared memory (%s): working without talking to the client" % sys.exc_info()[1])
        memory = None
    return Client(folder, data, memory, clock)


class Nobody(object):
    """Stands in for the client when the worker runs by hand: wants nothing, is told nothing."""

    previous_cpu = 0.0
    previous_elapsed = 0.0
    alarm = None
    reads_stderr = True
    grace = KILL_GRACE

    def wishes(self):
        """Return an empty list."""
        return []

    def report(self, cpu, checkpoint_cpu, fraction):
        """Do nothing, with success."""
        return True


class Client(object):
    """A BOINC client, through shared memory (None if it can't be reached).

    previous_cpu, previous_elapsed: seconds that earlier runs of this job used, up to the last checkpoint.
    alarm: a descriptor that has something to read when there are wishes, or None. reads_stderr: whether it
    has to learn from stderr how the task went. grace: seconds in which a task that has to end may do so by
    itself.
    """

    alarm = None
    reads_stderr = True
    grace = KILL_GRACE

    def __init__(self, folder, data, memory, clock):
        self._folder = folder
        self._clock = clock
        self._silence = 0.0
        self._polled = self._checked = clock.now()
        self._control = self._heartbeat = self._status = None
        if memory is not None:
            self._control = channels.Channel(memory, channels.CONTROL)
            self._heartbeat = channels.Channel(memory, channels.HEARTBEAT)
            self._status = channels.Channel(memory, channels.STATUS)
        self.previous_cpu = max(0.0, data.number("wu_cpu_time"))
        self.previous_elapsed = max(0.0, data.number("starting_elapsed_time"))
        self._process = None
        self._take(data)

    def wishes(self):
        """Return what the client has wanted since the last call, in the order in which it is to be done.

        To be called ten times a second.
        """
        heard = None
        if self._control is not None:
            heard = self._control.receive()
        wishes = []
        if heard:
            wishes = [wish for wish in (SUSPEND, RESUME, QUIT, ABORT) if "<%s/>" % wish in heard]
            if "<reread_app_info/>" in heard:
                self._reread()
        if self._is_gone():
            wishes.append(GONE)
        return wishes

    def report(self, cpu, checkpoint_cpu, fraction):
        """Tell how far the job is; returns False if the client has not yet read the last report.

        cpu, checkpoint_cpu: CPU seconds of all runs, and those up to the last checkpoint. Whenever the
        second changes, the client believes that the job can be stopped now without loss. fraction: 0 to 1.
        """
        if self._status is None:
            return True
        start, end = self._range
        return self._status.send(
            "<current_cpu_time>%.9e</current_cpu_time>\n"
            "<checkpoint_cpu_time>%.9e</checkpoint_cpu_time>\n"
            "<want_network>0</want_network>\n"
            "<fraction_done>%e</fraction_done>\n" % (cpu, checkpoint_cpu, start + fraction * (end - start))
        )

    def _take(self, data):
        self._range = (data.number("fraction_done_start", 0.0), data.number("fraction_done_end", 1.0))
        pid = data.integer("client_pid")
        if pid > 0 and self._process is None:
            self._process = host.ClientProcess(pid)

    def _reread(self):
        try:
            data = init_data.read(self._folder)
        except init_data.Unreadable:
            return
        if data is not None:
            init_data.blank_secrets(self._folder)
            self._take(data)

    def _is_gone(self):
        """Whether the client is dead. Silence counts only while we listen: a computer may have slept."""
        now = self._clock.now()
        self._silence += min(1.0, now - self._polled)
        self._polled = now
        if self._heartbeat is not None and "<heartbeat/>" in (self._heartbeat.receive() or ""):
            self._silence = 0.0
        if self._process is None:
            return self._heartbeat is not None and self._silence > HEARTBEAT_PATIENCE
        if now - self._checked < ALIVE_CHECK_PERIOD:
            return False
        self._checked = now
        return not self._process.alive()
