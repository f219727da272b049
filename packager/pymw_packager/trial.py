"""Tries an app version out: a real BOINC client runs one job with it, without any project or network.

    with Trial(folder, app_version, job) as trial:
        trial.suspend()
        ...
        ended = trial.wait(seconds=60)

The client is whichever `boinc` is installed, unmodified. It is driven through `boinccmd`, and nothing of it
outlives the trial: it dies with the thread that started it too, however that ends.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from pymw_packager import client_folder
from pymw_packager.client_folder import Job
from pymw_packager.errors import MissingToolError, PackagerError

CLIENT_OPTIONS = (
    "--allow_multiple_clients",
    "--no_gpus",
    "--no_info_fetch",
    "--skip_cpu_benchmarks",
    "--unsigned_apps_ok",
)
START_SECONDS = 30.0
# A client gives its applications 60 s to obey `quit`, kills them, and waits 5 s more.
STOP_SECONDS = 70.0
POLL_SECONDS = 0.1
LOG_FILE = "client.log"


class TrialError(PackagerError):
    """The client did not do what it was asked in the time that it had; the message quotes its log."""


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


class Trial:
    """One client with one task. Entering starts it, leaving stops it; the folder stays.

    Args:
        folder: the client's data folder, made here. Its log is ``client.log`` there.
        app_version: ``…/pymw/VERSION/PLATFORM``, as pymw-package writes it.
        job: what to run.
        prefix: a command that runs the client elsewhere, such as in a chroot. It must start the client in
            `folder`, and must end it when its standard input is closed.

    Raises:
        MissingToolError: `boinc` or `boinccmd` is not installed.
        PackagerError: the app version is not whole, or the folder cannot be written.
    """

    def __init__(self, folder: Path, app_version: Path, job: Job, prefix: Sequence[str] = ()) -> None:
        self.folder = folder.absolute()
        self.job = job
        self._prefix = tuple(prefix) or _dies_with_us()
        self._client: subprocess.Popen[bytes] | None = None
        self._port = 0
        for tool in ("boinccmd",) if prefix else ("boinccmd", "boinc"):
            if shutil.which(tool) is None:
                raise MissingToolError(
                    f"{tool} is not installed: install the BOINC client (Debian and Ubuntu: boinc-client)."
                )
        client_folder.lay_out(self.folder, app_version, job)

    def __enter__(self) -> "Trial":
        self.start()
        return self

    @property
    def pid(self) -> int | None:
        """Process id of the client (or of the command that runs it elsewhere); None if it does not run."""
        return None if self._client is None else self._client.pid

    def version(self) -> str:
        """Return what the client calls itself, such as ``BOINC client 7.20.5``."""
        found = re.search(r"Starting (BOINC client) version (\S+)", self._log())
        return " ".join(found.groups()) if found else "a BOINC client"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the client, again after a `stop`, and wait until it answers.

        Raises:
            TrialError: it does not, or does not take the task.
        """
        self._port = _free_port()
        command = [*self._prefix, "boinc", "--gui_rpc_port", str(self._port), *CLIENT_OPTIONS]
        with (self.folder / LOG_FILE).open("ab") as log:
            self._client = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that Ctrl-C reaches us alone, and we stop the client in order
            )
        try:
            self.wait_for(lambda: self._answer("--get_tasks") is not None, START_SECONDS, "answer")
            self.status()
        except BaseException:
            self._kill()
            raise

    def stop(self) -> None:
        """Let the client stop as when the computer is shut down; `start` lets the task go on."""
        client = self._client
        if client is None:
            return
        try:
            if client.poll() is None and self._answer("--quit") is not None:
                client.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._kill()

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
        answer = self._answer("--get_tasks") or ""
        facts = dict(re.findall(r"^   ([^:\n]+): (.*)$", answer, re.MULTILINE))
        if facts.get("name") != client_folder.TASK:
            raise TrialError(f"The BOINC client does not have the task. {self._last_words()}")
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

    def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until the condition holds, and the client is there.

        Raises:
            TrialError: the client did not ``what`` within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if self._client is None or self._client.poll() is not None:
                raise TrialError(f"The BOINC client ended before it could {what}. {self._last_words()}")
            if time.monotonic() > deadline:
                raise TrialError(
                    f"The BOINC client did not {what} within {seconds:g} s. {self._last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def _operate(self, operation: Literal["suspend", "resume", "abort"]) -> None:
        if self._answer("--task", client_folder.PROJECT_URL, client_folder.TASK, operation) is None:
            raise TrialError(f"The BOINC client did not {operation} the task. {self._last_words()}")

    def _answer(self, *request: str) -> str | None:
        """Return what boinccmd prints; None if the client does not answer or refuses.

        boinccmd finds the password in its current folder.
        """
        try:
            done = subprocess.run(
                ["boinccmd", "--host", f"127.0.0.1:{self._port}", *request],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

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

    def _kill(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        assert client.stdin is not None
        client.stdin.close()
        # If the prefix made the client another user's, its standard input was the only handle on it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(client.pid, signal.SIGKILL)
        client.wait()

    def _log(self) -> str:
        return (self.folder / LOG_FILE).read_text(encoding="utf-8", errors="replace")

    def _last_words(self) -> str:
        return f"The end of {self.folder / LOG_FILE}:\n" + "\n".join(self._log().splitlines()[-15:])


def _dies_with_us() -> tuple[str, ...]:
    """Return the command under which the client is killed when this process ends."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
