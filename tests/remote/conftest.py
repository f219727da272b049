"""A project that is served, and reached by its URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymw.project.project import Project
from pymw.remote.account import VARIABLE

from tests.bench.packages import Packages
from tests.project.conftest import certificate, served
from tests.remote.crew import crew

__all__ = ["certificate"]


@dataclass
class Site:
    """A project and where it is."""

    project: Project
    url: str

    @property
    def key(self) -> str:
        """The owner's account key."""
        return self.project.owner_key()


@contextmanager
def opened(folder: Path, packages: Packages, volunteers: int, **settings: Any) -> Iterator[Site]:
    """A project that is served, with so many volunteers."""
    about = {"name": "Lab", "url": "http://127.0.0.1:8080/pymw/", "unsigned": True, **settings}
    with Project.create(folder / "lab", **about) as project:
        project.add_version(packages.get("x86_64-pc-linux-gnu", "none"))
        with served(project) as port:
            url = f"http://127.0.0.1:{port}/pymw/"
            with crew(url, project.owner_key(), volunteers, folder):
                yield Site(project, url)


@contextmanager
def quick() -> Iterator[None]:
    """Nobody waits for long between two looks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pymw.remote.backend._SOONEST", 0.05)
        patch.setattr("pymw.interfaces.boinc._LOOK", 0.2)
        patch.setattr("pymw.interfaces.boinc._NEWS", 0.1)
        patch.setattr("pymw.project.app.TIDY_SECONDS", 0.2)
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, packages: Packages) -> Iterator[Site]:
    """A project with a volunteer, whose owner's key is in the environment."""
    folder = tmp_path_factory.mktemp("site")
    with (
        quick(),
        pytest.MonkeyPatch.context() as patch,
        opened(folder, packages, 1, deadline_grace=0.5, retry_patience=0.5) as made,
    ):
        patch.setenv(VARIABLE, made.key)
        yield made


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory, packages: Packages) -> Iterator[Site]:
    """A project without volunteers."""
    with quick(), opened(tmp_path_factory.mktemp("idle"), packages, 0) as made:
        yield made
