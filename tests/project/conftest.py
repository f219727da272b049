"""A project with a server and clients, all of which end with the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymw.project.project import Project

from tests.bench.packages import Packages
from tests.project.volunteer import Client, Server, free_port


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project without a server and without applications."""
    with Project.create(tmp_path / "lab", name="Lab", url="http://127.0.0.1:8080/pymw/") as made:
        yield made


@pytest.fixture
def served(boinc_client: None, packages: Packages, tmp_path: Path) -> Iterator[tuple[Project, Server]]:
    """A project with an application for this machine, and its server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/pymw/"
    with Project.create(tmp_path / "lab", name="Lab", url=url, next_rpc_delay=2) as made:
        made.add_version(packages.get("x86_64-pc-linux-gnu", "none"))
        server = Server(made.folder, port)
        server.start()
        try:
            yield made, server
        finally:
            server.kill()


@pytest.fixture
def clients(served: tuple[Project, Server], tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Starts clients that are attached to the project."""
    started: list[Client] = []

    def start(ncpus: int = 1) -> Client:
        project, _ = served
        client = Client(tmp_path / f"client{len(started)}", project.settings.url, project.owner_key(), ncpus)
        started.append(client)
        client.start()
        return client

    try:
        yield start
    finally:
        for client in started:
            client.end()
