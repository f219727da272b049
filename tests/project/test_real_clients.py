"""Unmodified BOINC clients attach, are given signed code, run real tasks and bring results back."""

from collections.abc import Callable

from pymw.project.outcomes import Success
from pymw.project.project import Project

from tests.bench.packages import log_facts, value_in
from tests.client import jobs
from tests.project import work
from tests.project.volunteer import Client, Server

Served = tuple[Project, Server]
Clients = Callable[..., Client]


def test_a_client_attaches_and_brings_back_a_result(served: Served, clients: Clients) -> None:
    project, _ = served
    project.submit([work.workunit(project, "one", jobs.total, [20, 22])])
    client = clients()
    (finished,) = work.news(project, 1, 60, client.log)
    assert isinstance(finished.outcome, Success)
    assert value_in(finished.outcome.files["pymw_result"]) == 42
    assert "Linux" in log_facts(finished.outcome.files["pymw_log"])["platform"]
    assert finished.outcome.by.platform == "x86_64-pc-linux-gnu"
