"""Shows how far a master's tasks are, on a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_PERIOD = 0.2  # seconds

State = Callable[[], dict[str, int]]


class Display:
    """A progress bar on stderr that follows the counts of a master. A thread draws it."""

    def __init__(self, state: State, console: Console) -> None:
        self._state = state
        self._bars = Progress(
            TextColumn("tasks"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[more]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._bar = self._bars.add_task("tasks", total=None, more="")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="pymw display", daemon=True)
        self._bars.start()
        self._thread.start()

    def stop(self) -> None:
        """Draw the last state, and leave it there."""
        self._stopping.set()
        self._thread.join()
        self._draw()
        self._bars.stop()

    def _follow(self) -> None:
        while not self._stopping.wait(_PERIOD):
            self._draw()

    def _draw(self) -> None:
        state = self._state()
        ended = state["finished"] + state["failed"] + state["cancelled"]
        more = [f"{state[name]} {name}" for name in ("running", "failed", "cancelled") if state[name]]
        self._bars.update(self._bar, completed=ended, total=state["submitted"] or None, more=", ".join(more))


def start(state: State) -> Display | None:
    """A Display, or None if stderr is no terminal."""
    console = Console(file=sys.stderr)
    return Display(state, console) if console.is_terminal else None
