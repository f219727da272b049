"""A project's server as a process of its own, for real clients."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pymw_packager.client_process import dies_with_us


class Server:
    """`pymw project serve` as a process of its own."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.options = options
        self.folder = folder
        self.port = port
        self.log = folder.with_name(folder.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [*dies_with_us(), sys.executable, "-m", "pymw.project", "serve", str(self.folder)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), *self.options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._answers, 20, "the server to answer", self._log)

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """Ask it to stop; returns its exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(20)
        self._process = None
        return status

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _log(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


def wait_for(condition: Callable[[], object], seconds: float, what: str, tell: Callable[[], str]) -> None:
    """Wait until the condition holds. Raises AssertionError, with what `tell` returns, if it doesn't."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}:\n{tell()}"
        time.sleep(0.1)
