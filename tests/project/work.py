"""Workunits of real PyMW tasks."""

from collections.abc import Callable
from typing import Any

from pymw import functions
from pymw.project.jobs import Input, Workunit
from pymw.project.outcomes import Finished
from pymw.project.project import Project
from pymw_worker import names

from tests.project.volunteer import wait_for


def workunit(project: Project, name: str, function: Callable[..., Any], *args: Any, **about: Any) -> Workunit:
    """A workunit that calls a function; its files are staged."""
    bundle = functions.from_source(function)
    inputs = (
        Input(project.stage(bundle.data, "bundle"), names.BUNDLE, sticky=True),
        Input(project.stage(bundle.arguments(name, args), "arguments"), names.ARGUMENTS),
    )
    return Workunit(name=name, inputs=inputs, command_line=f"--python {bundle.python}", **about)


def news(project: Project, count: int, seconds: float, tell: Callable[[], str]) -> list[Finished]:
    """Wait until so many workunits have ended."""
    wait_for(lambda: len(project.finished_since(0)) >= count, seconds, f"{count} workunits to end", tell)
    return project.finished_since(0)
