"""Tries an app version out: a real BOINC client runs one job with it, without any project or network.

    with Trial(folder, app_version, job) as trial:
        trial.suspend()
        ...
        ended = trial.wait(seconds=60)

The client is whichever `boinc` is installed, unmodified.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from pymw_packager import client_folder
from pymw_packager.client_folder import Job
from pymw_packager.client_process import ClientError as TrialError
from pymw_packager.client_process import ClientProcess

__all__ = ["Ended", "TaskStatus", "Trial", "TrialError"]


@dataclass(frozen=True)
class TaskStatus:
    """What the client says about its task.

    Attributes:
        state: ``downloaded`` until the task is over, then ``uploaded``, ``compute error`` or ``aborted``.
        activity: ``EXECUTING``, ``SUSPENDED``, ``QUIT_PENDING``, ``UNINITIALIZED`` (no process) ...
        fraction_done: 0 … 1.
        checkpoint_cpu_seconds: CPU time at the last checkpoint; 0 if there is none.
        pid: of the application, None if it does not run.
        over: whether the client would now report the task.
    """

    state: str
    activity: str
    fraction_done: float
    checkpoint_cpu_seconds: float
    pid: int | None
    over: bool


@dataclass(frozen=True)
class Ended:
    """How a task ended.

    Attributes:
        state: ``uploaded`` is BOINC's word for success.
        exit_status: of the application, or the client's own code (203: aborted by the user).
        elapsed_seconds, cpu_seconds: as the client counted them.
        stderr: what the application wrote into stderr.txt, at most the last 63 KiB.
        outputs: path of each output file that is there, by logical name.
    """

    state: str
    exit_status: int
    elapsed_seconds: float
    cpu_seconds: float
    stderr: str
    outputs: dict[str, Path]

    @property
    def succeeded(self) -> bool:
        """Whether the client takes the task for a success."""
        return self.state == "uploaded" and self.exit_status == 0


class Trial(ClientProcess):
    """One client with one task. Entering starts it, leaving stops it; the folder stays.

    Args:
        folder: the client's data folder, made here. Its log is ``client.log`` there.
        app_version: ``…/pymw/VERSION/PLATFORM``, as pymw-package writes it.
        job: what to run.
        prefix: as in ClientProcess.

    Raises:
        MissingToolError: `boinc` or `boinccmd` is not installed.
        PackagerError: the app version is not whole, or the folder cannot be written.
    """

    def __init__(self, folder: Path, app_version: Path, job: Job, prefix: Sequence[str] = ()) -> None:
        super().__init__(folder, ("--unsigned_apps_ok",), prefix)
        self.job = job
        client_folder.lay_out(self.folder, app_version, job)

    def __enter__(self) -> "Trial":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the client, again after a `stop`, and wait until it answers.

        Raises:
            TrialError: it does not, or does not take the task.
        """
        super().start()
        try:
            self.status()
        except BaseException:
            self.kill()
            raise

    def suspend(self) -> None:
        """Ask the client to suspend the task."""
        self._operate("suspend")

    def resume(self) -> None:
        """Ask the client to resume the task."""
        self._operate("resume")

    def abort(self) -> None:
        """Ask the client to abort the task."""
        self._operate("abort")

    def status(self) -> TaskStatus:
        """Return what the client says about the task now.

        Raises:
            TrialError: the client is gone, or does not know the task.
        """
        answer = self.answer("--get_tasks") or ""
        facts = dict(re.findall(r"^   ([^:\n]+): (.*)$", answer, re.MULTILINE))
        if facts.get("name") != client_folder.TASK:
            raise TrialError(f"The BOINC client does not have the task. {self.last_words()}")
        return TaskStatus(
            state=facts["state"],
            activity=facts.get("active_task_state", ""),
            # The client forgets it at the end.
            fraction_done=float(facts.get("fraction done", facts["state"] == "uploaded")),
            checkpoint_cpu_seconds=float(facts.get("CPU time at last checkpoint", 0)),
            pid=int(facts["PID"]) if "PID" in facts else None,
            over=facts["ready to report"] == "yes",
        )

    def wait(self, seconds: float, watch: Callable[[TaskStatus], None] | None = None) -> Ended:
        """Wait for the end of the task and stop the client; ``watch`` is called with each status on the way.

        Raises:
            TrialError: it has not ended within so many seconds.
        """

        status = self.status()

        def over() -> bool:
            nonlocal status
            status = self.status()
            if watch is not None:
                watch(status)
            return status.over

        self.wait_for(over, seconds, "finish the task")
        self.stop()  # only then is the state file sure to hold the result
        return self._ended(status.state)

    def _operate(self, operation: Literal["suspend", "resume", "abort"]) -> None:
        if self.answer("--task", client_folder.PROJECT_URL, client_folder.TASK, operation) is None:
            raise TrialError(f"The BOINC client did not {operation} the task. {self.last_words()}")

    def _ended(self, state: str) -> Ended:
        """Read the rest from the state file. It is XML by and large, but stderr may hold anything."""
        text = (self.folder / client_folder.STATE_FILE).read_text(encoding="utf-8", errors="replace")
        numbers = dict(re.findall(r"<(exit_status|final_cpu_time|final_elapsed_time)>(.*?)</", text))
        stderr = re.search(r"<stderr_txt>\n(.*)\n</stderr_txt>", text, re.DOTALL)
        outputs = {name: client_folder.output_path(self.folder, name) for name in self.job.outputs}
        return Ended(
            state=state,
            exit_status=int(numbers["exit_status"]),
            elapsed_seconds=float(numbers["final_elapsed_time"]),
            cpu_seconds=float(numbers["final_cpu_time"]),
            stderr=stderr[1] if stderr else "",
            outputs={name: path for name, path in outputs.items() if path.is_file()},
        )
