"""What the tests of the original's API share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymw import pymw

Make = Callable[..., pymw.PyMW_Master]


@pytest.fixture
def make_master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a PyMW_Master, in an empty current folder; it is closed after the test."""
    monkeypatch.chdir(tmp_path)
    made: list[pymw.PyMW_Master] = []

    def make(*args: Any, **kwargs: Any) -> pymw.PyMW_Master:
        made.append(pymw.PyMW_Master(*args, **kwargs))
        return made[-1]

    yield make
    for master in made:
        master.shutdown(cancel_futures=True)


@pytest.fixture
def master(make_master: Make) -> pymw.PyMW_Master:
    """A PyMW_Master as a program gets it that asks for nothing: the generic interface, one worker."""
    return make_master()
