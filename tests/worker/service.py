"""A worker that stays, with a test as its master."""

from __future__ import annotations

import itertools
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymw_worker import arguments, bundle, log, outcome, words

from tests.worker.job import BOOT, ROOT

# In the variables of the worker and of all that it starts, so that processes_in finds them.
MARK = "PYMW_TEST_SERVICE"


class Run:
    """One task of a Service: its slot, and what lies there in the end."""

    def __init__(self, slot: Path) -> None:
        self.slot = slot

    def outcome(self) -> outcome.Outcome:
        """What the result file says."""
        found: outcome.Outcome = outcome.read(str(self.slot / "pymw_result"))
        return found

    def value(self) -> Any:
        """What the function returned."""
        found = self.outcome()
        assert found.status == "value", (found.status, found.message)
        return pickle.loads(found.value_bytes)

    def log(self) -> log.Log:
        """What the log file says."""
        found: log.Log = log.read(str(self.slot / "pymw_log"))
        return found


class Service:
    """The process and its two pipes. Slots are folders in `folder`."""

    def __init__(
        self, folder: Path, python: str = sys.executable, variables: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count()
        with (folder / "stderr.txt").open("wb") as stderr:
            self.process = subprocess.Popen(
                [python, "-E", "-c", BOOT, str(ROOT / "worker"), "--serve"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                env={**os.environ, MARK: str(folder), **(variables or {})},
                bufsize=0,
            )
        self.ready = self.answer()

    def submit(
        self, source: str | bytes, *args: object, options: tuple[str, ...] = (), slot: str = ""
    ) -> Run:
        """Make a slot with a bundle and arguments in it, and ask for the task to be run."""
        return self.ask(self.put(source, *args, slot=slot), *options)

    def put(self, source: str | bytes, *args: object, slot: str = "") -> Run:
        """Make a slot with a bundle and arguments in it. source: Python source, or a pickled function."""
        run = Run(self.folder / (slot or f"slot {next(self._numbers)}"))
        run.slot.mkdir(parents=True)
        if isinstance(source, str):
            code = bundle.pack("source", "task", "2.5-", source.encode())
        else:
            code = bundle.pack("pickle", "task", "{}.{}".format(*sys.version_info), source)
        (run.slot / "pymw_bundle").write_bytes(code)
        digest = bundle.read(str(run.slot / "pymw_bundle")).digest
        (run.slot / "pymw_arguments").write_bytes(arguments.pack(digest, "test", pickle.dumps((args, {}), 2)))
        return run

    def ask(self, run: Run, *options: str) -> Run:
        """Ask for what lies in a slot to be run."""
        self.say(" ".join(words.escape(word) for word in ("run", str(run.slot), *options)))
        return run

    def run(self, source: str | bytes, *args: object, options: tuple[str, ...] = (), slot: str = "") -> Run:
        """Run a task to its end, and demand a result."""
        run = self.submit(source, *args, options=options, slot=slot)
        assert self.answer() == "done 0", self.stderr()
        return run

    def say(self, line: str) -> None:
        """Write one line to the worker."""
        assert self.process.stdin
        self.process.stdin.write(line.encode("ascii") + b"\n")

    def answer(self, seconds: float = 60) -> str:
        """The next line that the worker writes; "" at the end."""
        assert self.process.stdout
        line = b""
        deadline = time.monotonic() + seconds
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"no answer but {line!r}: {self.stderr()}")
            piece = self.process.stdout.read(1)
            if not piece:
                break
            line += piece
        return line.decode("ascii").rstrip("\n")

    def leave(self) -> int:
        """Close the worker's stdin and wait for it; return its exit status."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        status = self.process.wait(20)
        assert self.process.stdout.read() == b"", "an answer to nothing"
        self.process.stdout.close()
        return status

    def stderr(self) -> str:
        """What the worker has written to stderr."""
        return (self.folder / "stderr.txt").read_text(errors="replace")

    def close(self) -> None:
        """End the worker if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


Serve = Callable[..., Service]
