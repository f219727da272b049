"""A real, unmodified BOINC client as a process of ours, with a data folder of its own, driven by boinccmd.

Nothing of it outlives us: it dies with the thread that started it too, however that ends.
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
from pathlib import Path

from pymw_packager.errors import MissingToolError, PackagerError

OPTIONS = ("--allow_multiple_clients", "--no_gpus", "--no_info_fetch", "--skip_cpu_benchmarks")
START_SECONDS = 30.0
# A client gives its applications 60 s to obey `quit`, kills them, and waits 5 s more.
STOP_SECONDS = 70.0
POLL_SECONDS = 0.1
LOG_FILE = "client.log"


class ClientError(PackagerError):
    """The client did not do what it was asked in the time that it had; the message quotes its log."""


class ClientProcess:
    """Whichever `boinc` is installed, on a data folder that has been laid out.

    Args:
        folder: the client's data folder. Its log is ``client.log`` there.
        options: of the client, beside those that keep it to itself.
        prefix: a command that runs the client elsewhere, such as in a chroot. It must start the client in
            `folder`, and must end it when its standard input is closed.

    Raises:
        MissingToolError: `boinc` or `boinccmd` is not installed.
    """

    def __init__(self, folder: Path, options: Sequence[str] = (), prefix: Sequence[str] = ()) -> None:
        self.folder = folder.absolute()
        self._options = (*OPTIONS, *options)
        self._prefix = tuple(prefix) or dies_with_us()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        for tool in ("boinccmd",) if prefix else ("boinccmd", "boinc"):
            if shutil.which(tool) is None:
                raise MissingToolError(
                    f"{tool} is not installed: install the BOINC client (Debian and Ubuntu: boinc-client)."
                )

    @property
    def pid(self) -> int | None:
        """Process id of the client (or of the command that runs it elsewhere); None if it does not run."""
        return None if self._process is None else self._process.pid

    def version(self) -> str:
        """Return what the client calls itself, such as ``BOINC client 7.20.5``."""
        found = re.search(r"Starting (BOINC client) version (\S+)", self.log())
        return " ".join(found.groups()) if found else "a BOINC client"

    def start(self) -> None:
        """Start the client, again after a `stop` or its death, and wait until it answers.

        Raises:
            ClientError: it does not.
        """
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._port = free_port()
        command = [*self._prefix, "boinc", "--gui_rpc_port", str(self._port), *self._options]
        with (self.folder / LOG_FILE).open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that Ctrl-C reaches us alone, and we stop the client in order
            )
        try:
            self.wait_for(lambda: self.answer("--get_state") is not None, START_SECONDS, "answer")
        except BaseException:
            self.kill()
            raise

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Let the client stop as when the computer is shut down; kill it if that takes longer than this."""
        process = self._process
        if process is None:
            return
        try:
            if process.poll() is None and self.answer("--quit") is not None:
                process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once, with all that it started. Harmless if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        # If the prefix made the client another user's, its standard input was the only handle on it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def answer(self, *request: str) -> str | None:
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

    def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until the condition holds, and the client is there.

        Raises:
            ClientError: the client did not ``what`` within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if self._process is None or self._process.poll() is not None:
                raise ClientError(f"The BOINC client ended before it could {what}. {self.last_words()}")
            if time.monotonic() > deadline:
                raise ClientError(
                    f"The BOINC client did not {what} within {seconds:g} s. {self.last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def log(self) -> str:
        """Return what the client has written."""
        return (self.folder / LOG_FILE).read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        """Return the end of the log, for messages."""
        return f"The end of {self.folder / LOG_FILE}:\n" + "\n".join(self.log().splitlines()[-15:])


def dies_with_us() -> tuple[str, ...]:
    """Return the command under which a process is killed when this process ends."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens at now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
