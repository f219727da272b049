"""Jobs for a stock project, and what its files are."""

from __future__ import annotations

from pathlib import Path

from pymw.boinc.backend import Demand, Job
from pymw.server.backend import ServerBackend

from tests.server.stock_project import StockProject

BATCH = "pymw_0123456789ab"
OTHER = "pymw_0123456789ac"


def job(backend: ServerBackend, number: int = 1, batch: str = BATCH, **about: object) -> Job:
    bundle = backend.stage(b"code", batch)
    given = {"command_line": "--python 3.11", "arguments": b"given", "demand": Demand(), **about}
    return Job(name=f"{batch}_{number}", bundle=bundle, **given)  # type: ignore[arg-type]


def arguments_of(project: StockProject, name: str) -> Path:
    return project.home.in_download(f"{name}_arguments")


def files_in_download(project: StockProject) -> list[str]:
    return sorted(path.name for path in project.home.download_dir.rglob("*") if path.is_file())
