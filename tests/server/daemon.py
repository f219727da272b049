"""pymw_assimilator as bin/start starts it: a process of its own in a project's tmp_HOST."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pymw_packager.client_process import dies_with_us

from tests.server.stock_project import StockProject

SECONDS = 60.0  # that anything takes at most


class Assimilator:
    """The daemon for a project; in a `with` block it runs.

    task_dir: None is the project's. prefix: a command that runs it.
    """

    def __init__(
        self,
        project: StockProject,
        *options: str,
        task_dir: Path | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self._project = project
        self._task_dir = task_dir or project.task_dir
        self._prefix = prefix
        self._options = ("-d", "4", "-app", "pymw", "--sleep_interval", "0.05", *options)
        self._log = project.task_dir.parent / "assimilator.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Assimilator:
        """Start it."""
        command = [
            *dies_with_us(),
            *self._prefix,
            sys.executable,
            "-m",
            "pymw.server.assimilator",
            *self._options,
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-p", str(self._task_dir)],
                cwd=self._project.home.folder / "tmp_host",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; returns its exit status."""
        assert self._process is not None
        return self._process.wait(SECONDS)

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """What it has written, since the test began."""
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, what: Callable[[], Any]) -> None:
        """Wait until something is true while it runs."""
        deadline = time.monotonic() + SECONDS
        while not what():
            assert self._process is not None
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def wait_for_log(self, words: str, times: int = 1) -> None:
        """Wait until it has written these words so often."""
        self.wait_for(lambda: self.log().count(words) >= times)

    def __enter__(self) -> Assimilator:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.kill()
