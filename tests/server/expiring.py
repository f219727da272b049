"""Rounds of the assimilator through input files that have expired, without the rest of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from pymw.server.assimilator.expired_files import ExpiredFiles
from pymw.server.assimilator.log import Level, Log
from pymw.server.assimilator.stopping import Stop

from tests.server.stock_project import StockProject


class Rounds:
    """Rounds of one assimilator. between: is called after each step."""

    def __init__(self, project: StockProject, between: Callable[[], object] = bool) -> None:
        self._log = io.StringIO()
        stop = Stop(project.home.folder / "stop_daemons")

        class Between(Stop):
            def wanted(self, seconds: float = 0) -> bool:
                between()
                return stop.wanted(seconds)

        log = Log(self._log, Level.DEBUG)
        self.files = ExpiredFiles(project.home, "pymw", log, Between(Path("missing")))

    def one(self) -> str:
        """A whole round, though none may be due; returns what the log has of it."""
        self.files._due = 0.0
        begins = len(self._log.getvalue())
        self.turn()
        while self.files._steps is not None:
            self.turn()
        return self._log.getvalue()[begins:]

    def turn(self) -> None:
        """A pause between sweeps."""
        self.files.work()


def one_round(project: StockProject, between: Callable[[], object] = bool) -> str:
    """A round of a new assimilator; returns its log."""
    return Rounds(project, between).one()
