"""The suite of all interfaces, on one that reaches its project by its URL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from pymw.interfaces.base import Interface
from pymw.interfaces.boinc import BOINCInterface
from pymw.remote.account import VARIABLE

from tests.bench.packages import Packages
from tests.master.interfaces.conformance import Shared
from tests.remote.conftest import Site, opened, quick


class TestRemote(Shared):
    returns_code = False
    trusts = False
    in_order = False
    has_workers = False
    many = 6
    sites: ClassVar[dict[int, Site]] = {}
    patch: ClassVar[pytest.MonkeyPatch]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def projects(cls, tmp_path_factory: pytest.TempPathFactory, packages: Packages) -> Iterator[None]:
        """Two projects, one of which has two volunteers."""
        patient = {"deadline_grace": 0.5, "retry_patience": 0.5}
        with (
            pytest.MonkeyPatch.context() as patch,
            quick(),
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
