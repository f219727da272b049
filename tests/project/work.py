"""Workunits of real PyMW tasks."""

from collections.abc import Callable
from typing import Any

from pymw import functions
from pymw.project.jobs import Input, Workunit
from pymw.project.outcomes import Finished
from pymw.project.project import Project
from pymw_worker import names

from tests.project.server import wait_for


def workunit(project: Project, name: str, function: Callable[..., Any], *args: Any, **about: Any) -> Workunit:
    """A workunit that calls a function; its files are staged."""
    bundle = functions.from_source(function)
    inputs = (
        Input(project.stage(bundle.data, "bundle"), names.BUNDLE, sticky=True),
        Input(project.stage(bundle.arguments(name, args), "arguments"), names.ARGUMENTS),
    )
    return Workunit(name=name, inputs=inputs, command_line=f"--python {bundle.python}", **about)


def outcome(project: Project, name: str, seconds: float, tell: Callable[[], str]) -> Finished:
    """Wait until a workunit has ended."""

    def found() -> list[Finished]:
        return [news for news in project.finished_since(0) if news.name == name]

    wait_for(found, seconds, f"{name} to end", tell)
    (finished,) = found()
    return finished
