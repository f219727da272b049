"""Runs one task and obeys the client meanwhile: a state machine that turns ten times a second.

RUNNING and SUSPENDED are its states; <suspend/>, <resume/> lead from one to the other. From both, <quit/>,
<abort/>, a dead client or a signal to ourselves lead to the end without a result: the tree is killed. When
the task's process ends, what it left is delivered: result, log, last report, finish file, in this order.
"""

import os
import time

from pymw_worker import (
    capture,
    deliver,
    environment,
    names,
    outcome,
    permission,
    process,
    reporting,
    task,
    workspace,
)
from pymw_worker.boinc import client as clients
from pymw_worker.boinc import exit_codes
from pymw_worker.clock import Stopwatch
from pymw_worker.interruption import Interrupted
from pymw_worker.messages import say

POLL_PERIOD = 0.1  # seconds; the stock runtime's
SHORTEST_PAUSE = 0.0002  # seconds; between the end of a task's output and its own
REPORT_PERIOD = 1.0  # seconds; the client reads no faster
CLOCK_TICK = 0.01  # seconds; the least that systems count of a process's CPU time
LAST_REPORT_PATIENCE = 2.0  # seconds; the stock runtime's
OUTPUT_PATIENCE = 2.0  # seconds for the rest of stdout and stderr, after all who write to them were killed

KILLS_ALLOWED = 2  # a task that is killed from outside is tried again so often
SOON = 60  # seconds
LATER = 600  # seconds in which the computer may get memory or disk space free

# Why watching the task ended, besides the client's wishes.
ENDED, INTERRUPTED = "ended", "interrupted"


class Postponed(Exception):
    """The job can't go on now, but may later. seconds: when to try again."""

    def __init__(self, seconds, reason):
        Exception.__init__(self, reason)
        self.seconds = seconds


class Supervisor(object):
    """Runs the task of one slot.

    options: names and limits, as the command line gives them. interruption: an object whose attribute
    `signal` becomes the number of a signal that asks this process to end. start: called with the task's
    arguments, folder and environment variables, it starts a process for it and returns the Tree.
    python: the embedded.Runtime that all this runs in, None if the Python is the computer's own.
    """

    def __init__(self, slot, client, clock, options, interruption, start=environment.start, python=None):
        self._slot = slot
        self._client = client
        self._clock = clock
        self._options = options
        self._interruption = interruption
        self._start_process = start
        self._python = python
        self._bundle = slot.resolve(options.bundle)
        self._arguments = slot.resolve(options.arguments)
        # Now, as the task can delete the client's links.
        self._result = slot.resolve(options.result)
        self._log = slot.resolve(options.log)
        self._workspace = workspace.Workspace(slot, self._bundle, self._arguments)
        self._tree = None
        self._suspended = False

    def run(self):
        """Run the task, or deliver what an earlier run left. Returns the exit code.

        Raises Postponed; Interrupted; EnvironmentError if the operating system refuses something. In all
        these cases nothing of the task runs any more.
        """
        misnamed = permission.misnamed(self._slot, self._options)
        if misnamed:
            self._say(misnamed)
            return exit_codes.INIT_FAILURE
        if self._workspace.has_outcome():
            self._say("the task has ended in an earlier run; delivering its outcome")
            self._settle(0)
            return self._finish(deliver.Report("in an earlier run", self._workspace.state))
        refusal = permission.refusal(self._slot, self._options, self._bundle, self._arguments)
        if refusal:
            self._workspace.clear()
            permission.write(self._slot.path(names.OUTCOME), refusal)
            return self._finish(deliver.Report("was not started", self._workspace.state))
        self._prepare()
        try:
            self._start()
            end = self._watch()
        finally:
            if self._tree is not None:
                self._tree.kill(self._client.grace)
        if end == ENDED:
            return self._conclude()
        self._say("ending: %s" % end)
        if end == INTERRUPTED:
            raise Interrupted()
        if end == clients.ABORT:
            return exit_codes.ABORTED_BY_CLIENT
        return exit_codes.OK

    def _say(self, words):
        if self._client.reads_stderr:
            say(words)

    def _prepare(self):
        self._workspace.prepare(self._may_go_on())
        folder = self._slot.path(names.TASK_FOLDER)
        for name, source in self._options.data:
            workspace.place(self._slot.resolve(source), folder, name)
        state = self._workspace.state
        state.starts += 1
        self._workspace.remember()
        self._earlier_cpu = max(self._client.previous_cpu, state.cpu)
        self._checkpoint_cpu = self._earlier_cpu
        self._checkpoint = self._checkpoint_mark()
        self._fraction = 0.0
        self._stopwatch = Stopwatch(self._clock, max(self._client.previous_elapsed, state.elapsed))

    def _may_go_on(self):
        """Return whether a checkpoint in the slot can be ours.

        To load it runs code, and the server can put a file of its name there. The client knows by itself
        whether the job has ever been at a checkpoint.
        """
        return not (self._options.trust and self._slot.has_client) or self._client.previous_elapsed > 0

    def _start(self):
        self._tree = self._start_process(
            [self._bundle, self._arguments, self._slot.folder],
            self._slot.path(names.TASK_FOLDER),
            environment.variables(
                os.environ, self._slot.folder, self._slot.path(workspace.SCRATCH), self._slot.has_client
            ),
        )
        self._stdout = capture.Capture(self._tree.stdout)
        self._stderr = capture.Capture(self._tree.stderr)
        self._stopwatch.start()
        self._next_report = self._clock.now() + REPORT_PERIOD
        self._pause = 0.0

    def _watch(self):
        """Obey and report until the task has ended or has to; return why."""
        while True:
            for wish in self._client.wishes():
                if wish == clients.SUSPEND:
                    self._suspend()
                elif wish == clients.RESUME:
                    self._resume()
                else:
                    return wish
            if self._interruption.signal is not None:
                return INTERRUPTED
            if self._tree.poll() is not None:
                return ENDED
            if not self._suspended and self._clock.now() >= self._next_report:
                self._report()
            self._sleep()

    def _suspend(self):
        if not self._suspended:
            self._suspended = True
            self._tree.suspend()
            self._stopwatch.stop()

    def _resume(self):
        if self._suspended:
            self._suspended = False
            self._tree.resume()
            self._stopwatch.start()

    def _report(self):
        """Tell the client how far we are, and take note of a new checkpoint."""
        self._next_report = self._clock.now() + REPORT_PERIOD
        cpu = self._cpu()
        mark = self._checkpoint_mark()
        if mark != self._checkpoint:
            self._checkpoint = mark
            # The client takes note of a checkpoint if this has risen; a task that waits may use no tick.
            self._checkpoint_cpu = cpu = max(cpu, self._checkpoint_cpu + CLOCK_TICK)
            self._workspace.state.kills = 0
            self._remember(cpu)
        fraction = reporting.read_progress(self._slot.path(names.PROGRESS))
        if fraction is not None:
            self._fraction = fraction
        self._client.report(cpu, self._checkpoint_cpu, self._fraction)

    def _remember(self, cpu):
        """Note what was used so far. A full disk must not end a task that may do without it."""
        state = self._workspace.state
        state.cpu, state.elapsed = cpu, self._stopwatch.seconds()
        try:
            self._workspace.remember()
        except EnvironmentError:
            pass

    def _cpu(self):
        return self._earlier_cpu + self._tree.cpu_time()

    def _checkpoint_mark(self):
        """Return something that changes whenever the task saves a checkpoint; None if there is none."""
        try:
            found = os.stat(self._slot.path(names.CHECKPOINT))
        except EnvironmentError:
            return None
        return (found.st_ino, found.st_mtime, found.st_size)

    def _sleep(self):
        """Wait for the next turn. Where the task's output ends, most likely the task does so in a moment."""
        seconds = POLL_PERIOD
        if self._stdout.closed and self._stderr.closed:
            seconds = self._pause = min(POLL_PERIOD, 2 * self._pause or SHORTEST_PAUSE)
        capture.wait([self._stdout, self._stderr], seconds, self._client.alarm)

    def _conclude(self):
        """The task's process has ended: turn what it left into result, log and exit code."""
        self._stopwatch.stop()
        status = self._tree.status
        stdout = self._stdout.finish(OUTPUT_PATIENCE)
        stderr = self._stderr.finish(OUTPUT_PATIENCE)
        if self._slot.has_client:
            self._postpone(status)
        if self._settle(status) != outcome.VALUE:
            self._suspect_python()
        self._remember(self._cpu())
        report = deliver.Report(process.describe(status), self._workspace.state, stdout, stderr)
        return self._finish(report)

    def _postpone(self, status):
        """Raise Postponed if the task may do better another time, as its end was not its own fault."""
        if status in process.ENDED_FROM_OUTSIDE:
            raise Postponed(SOON, "The task %s." % process.describe(status))
        if status == task.UNWRITABLE:
            raise Postponed(LATER, "The task could not write its result; probably the disk is full.")
        if status == process.KILLED:
            self._workspace.state.kills += 1
            self._workspace.remember()
            if self._workspace.state.kills <= KILLS_ALLOWED:
                raise Postponed(LATER, "The task %s." % process.describe(status))

    def _suspect_python(self):
        """Raise Postponed if the task has failed in a Python that is damaged: it will have another then."""
        if self._python is not None and self._python.is_damaged():
            os.remove(self._slot.path(names.OUTCOME))
            raise Postponed(SOON, "The task failed, and the Python that it ran in has been damaged.")

    def _settle(self, status):
        """Make sure that there is a whole outcome, and return its status."""
        words = process.describe(status)
        return deliver.settle(self._slot.path(names.OUTCOME), status, words, self._options.max_result)

    def _finish(self, report):
        """Deliver; the client's wishes wait until the result is on the disk and announced."""
        found = deliver.deliver(self._slot, self._result, self._log, report)
        code = deliver.EXIT_CODES[found.status]
        if self._client.reads_stderr:
            deliver.tell(self._slot, found, report)
        state = report.state
        if state.kills > KILLS_ALLOWED:
            code = exit_codes.OUT_OF_MEMORY
        if code == exit_codes.OK:
            deadline = self._clock.now() + LAST_REPORT_PATIENCE
            while not self._client.report(state.cpu, state.cpu, 1.0) and self._clock.now() < deadline:
                time.sleep(POLL_PERIOD)
            if self._slot.has_client:
                self._slot.finish()
        if not self._slot.has_client:
            self._workspace.clear()
        return code
