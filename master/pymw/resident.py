"""A worker that stays: a process of pymw_worker --serve, which runs task after task (docs/worker.md)."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from pymw_worker import names, process, reporting, words

# As the launcher starts the worker (docs/launcher.md).
_BOOT = "import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.__main__ as m;m.main()"
_END_PATIENCE = 5.0  # seconds that it may take to end its task and itself
_CANCEL_PATIENCE = 10.0  # seconds after which a worker that does not answer is killed

Answered = Callable[[list[str]], None]


class Resident:
    """One worker process. A thread reads its answers.

    answered: called with the words of each answer (`done 0`, `cancelled`, `failed REASON`), and with `died
    HOW` when the process has ended unasked. folder: its slot.
    """

    def __init__(self, python: str, archive: Path, folder: Path, answered: Answered) -> None:
        """Start it. Raises OSError."""
        self.folder = folder
        self._answered = answered
        self._ending = False
        self._runs = self._answers = 0
        self._timer: threading.Timer | None = None
        self._said = folder.with_name(f"{folder.name}.stderr")
        with self._said.open("wb") as stderr:
            # A session of its own: Ctrl-C is for the master, which then ends us by closing our stdin.
            self._process = subprocess.Popen(
                [python, "-E", "-c", _BOOT, str(archive), "--serve"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                start_new_session=True,
            )
        self._thread = threading.Thread(target=self._read, name=f"pymw {folder.name}", daemon=True)
        self._thread.start()

    def run(self, *options: str) -> None:
        """Let it run a task in its slot, with the worker's options. Raises OSError if it is dead."""
        self._runs += 1
        self._write("run", str(self.folder), *options)

    def cancel(self) -> None:
        """Let it stop its task. It answers; if it does not in time, it is killed."""
        with contextlib.suppress(OSError):  # dead: `died` comes
            self._write("cancel")
        self._timer = threading.Timer(_CANCEL_PATIENCE, self._kill_if_stuck, [self._runs])
        self._timer.daemon = True
        self._timer.start()

    def progress(self) -> float:
        """How much of its task is done, 0 to 1."""
        return float(reporting.read_progress(str(self.folder / names.PROGRESS)) or 0.0)

    def end(self) -> None:
        """Let it end its task and itself."""
        self._ending = True
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def join(self) -> None:
        """Wait until it has ended; it is killed if that takes too long."""
        try:
            self._process.wait(_END_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(_END_PATIENCE)

    def _write(self, *line: str) -> None:
        assert self._process.stdin is not None
        data = " ".join(words.escape(word) for word in line) + "\n"
        self._process.stdin.write(data.encode("ascii"))
        self._process.stdin.flush()

    def _kill_if_stuck(self, run: int) -> None:
        """The task may have ended just before it was cancelled: then another one may be running by now."""
        if self._runs == run and self._answers < run:
            self._process.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                answer = [words.unescape(word) for word in line.decode("ascii", "replace").split()]
                if answer[:1] != ["ready"]:
                    self._answers += 1
                    if self._timer is not None:
                        self._timer.cancel()
                    self._answered(answer)
        status = self._process.wait()
        if not self._ending:
            self.end()
            self._answered(["died", self._how(status)])

    def _how(self, status: int) -> str:
        said = self._said.read_text("utf-8", "replace").strip().splitlines()
        last = f" ({said[-1]})" if said else ""
        return f"the worker {process.describe(status)}{last}"
