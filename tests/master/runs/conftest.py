"""What tests of runs share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymw import Master

from tests.master.runs.threads import Threads

MakeMaster = Callable[..., Master]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run that does not exist yet."""
    return tmp_path / "sweep"


@pytest.fixture
def master(run: Path) -> Iterator[MakeMaster]:
    """Makes masters on the run, and sees to it that none outlives the test."""
    made: list[Master] = []

    def make(interface: Any = None, **options: Any) -> Master:
        made.append(Master(interface or Threads(), **{"run": run, **options}))
        return made[-1]

    yield make
    for each in made:
        each.shutdown(cancel_futures=True)
