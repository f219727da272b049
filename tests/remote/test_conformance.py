"""The suite of all interfaces, on one that reaches its project by its URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pymw
import pytest
from pymw.interfaces.base import Interface
from pymw.interfaces.boinc import BOINCInterface
from pymw.remote.account import VARIABLE

from tests.bench.packages import Packages
from tests.master.interfaces.conformance import Shared
from tests.master.interfaces.tasks import announce_and_sleep, contents, eventually, is_alive
from tests.remote.conftest import Site, opened


class TestRemote(Shared):
    returns_code = False
    trusts_values = False
    keeps_order = False
    counts_workers = False
    many = 12
    sites: ClassVar[dict[int, Site]] = {}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def projects(cls, tmp_path_factory: pytest.TempPathFactory, packages: Packages) -> Iterator[None]:
        """Two projects, one of which has two volunteers."""
        patient = {"deadline_grace": 0.5, "retry_patience": 0.5}
        with (
            pytest.MonkeyPatch.context() as patch,
            opened(tmp_path_factory.mktemp("wide"), packages, 2, **patient) as wide,
            opened(tmp_path_factory.mktemp("narrow"), packages, 1, **patient) as narrow,
        ):
            cls.patch = patch
            cls.sites.update({1: narrow, 2: wide})
            yield
            for site in cls.sites.values():
                assert site.project.counts().workunits == 0

    def make(self, workers: int) -> Interface:
        site = self.sites[workers]
        self.patch.setenv(VARIABLE, site.key)
        return BOINCInterface(site.url)

    def test_closing_during_work_leaves_no_process(self, tmp_path: Path) -> None:
        """A volunteer hears of it at the next request."""
        master = pymw.Master(self.make(2))
        for number in range(8):
            master.submit(announce_and_sleep, tmp_path / str(number))
        texts = eventually(lambda: len(found := contents(tmp_path)) == 2 and found)
        pids = [int(text) for text in texts]
        master.shutdown(cancel_futures=True)
        eventually(lambda: not any(is_alive(pid) for pid in pids))
