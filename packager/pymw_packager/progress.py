"""How far the packager has come: bars on a terminal, plain lines elsewhere, nothing in a library call."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress


class Progress:
    """Says nothing. Its methods are what the rooms of the packager call."""

    def say(self, text: str) -> None:
        """Tell that the step ``text`` (a few words, no full stop) begins."""

    @contextmanager
    def bar(self, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Tell that the step ``text`` of ``total`` bytes (None: unknown) begins.

        Yields:
            What to call with the number of bytes done since the last call.
        """
        self.say(text)
        yield lambda done: None


class PlainProgress(Progress):
    """One line for each step, for logs and pipes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class TerminalProgress(Progress):
    """A line for each step and a bar for the long ones, which goes away when it is full."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    @contextmanager
    def bar(self, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with RichProgress(*columns, console=self._console, transient=True) as bars:
            task = bars.add_task(text, total=total)
            yield lambda done: bars.advance(task, done)
        self.say(text)


def for_stderr() -> Progress:
    """Return what suits the process's standard error: bars if it is a terminal, else lines."""
    console = Console(stderr=True)
    return TerminalProgress(console) if console.is_terminal else PlainProgress()
