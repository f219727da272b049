"""A volunteer's slot with the real worker in it, for volunteers that are played otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pymw.resident import Resident
from pymw_packager import worker_archive
from pymw_worker import log, names, outcome


class Slot:
    """Runs one task at a time. folder: where its files are to be put before it runs."""

    def __init__(self, folder: Path, number: int, answered: Callable[[list[str]], None]) -> None:
        """answered: called with the words of the worker's answers (docs/worker.md)."""
        self.folder = folder / f"slot{number}"
        self.folder.mkdir(parents=True)
        archive = folder / f"worker{number}.zip"
        archive.write_bytes(worker_archive.build()[1])
        self._worker = Resident(sys.executable, archive, self.folder, answered)

    def run(self, words: Sequence[str]) -> None:
        """Run the task, with a workunit's command line."""
        at = words.index("--python")
        self._worker.run(*words[:at], *words[at + 2 :])  # the launcher's own

    def cancel(self) -> None:
        """Stop the task."""
        self._worker.cancel()

    def files(self) -> dict[str, bytes]:
        """What the task has left, by logical name."""
        return {name: (self.folder / name).read_bytes() for name in (names.RESULT, names.LOG)}

    def stderr(self) -> str:
        """What the worker writes to stderr under a client, of a task that left no value."""
        said = outcome.read(str(self.folder / names.RESULT)).message
        words = log.read(str(self.folder / names.LOG)).stderr.decode("utf-8", "replace")
        return f"{time.strftime('%Y-%m-%d %H:%M:%S')} (1): {said}\n--- the task's stderr ---\n{words}"

    def close(self) -> None:
        """End it, with what it runs."""
        self._worker.end()
        self._worker.join()
