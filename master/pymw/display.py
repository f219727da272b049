"""Shows how far a master's tasks are."""

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
_LINE_PERIOD = 5.0

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
        self._bars.update(self._bar, completed=ended, total=state["submitted"] or None, more=_more(state))


class Lines:
    """The same as a line every few seconds, for logs and pipes; nothing if all is done before the first."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._last = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="pymw display", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Say nothing any more."""
        self._stopping.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stopping.wait(_LINE_PERIOD):
            state = self._state()
            ended = state["finished"] + state["failed"] + state["cancelled"]
            line = f"tasks: {ended} of {state['submitted']} have ended{_more(state, ', ')}"
            if line != self._last:
                print(line, file=sys.stderr, flush=True)
            self._last = line


def _more(state: dict[str, int], before: str = "") -> str:
    """What is noteworthy besides."""
    words = [f"{state[name]} {name}" for name in ("running", "failed", "cancelled") if state[name]]
    return before + ", ".join(words) if words else ""


def start(state: State) -> Display | Lines:
    """Begin to show the counts of a master on stderr: as a bar if that is a terminal, else as lines."""
    console = Console(file=sys.stderr)
    return Display(state, console) if console.is_terminal else Lines(state)
