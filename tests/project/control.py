"""What a volunteer may do to a real client while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymw.project.volunteer import Volunteer


@contextmanager
def kept_from_work(*clients: Volunteer) -> Iterator[None]:
    """In this block the clients ask for no tasks."""
    try:
        for client in clients:
            assert client.answer("--project", client.url, "nomorework") is not None
        yield
    finally:
        for client in clients:
            client.answer("--project", client.url, "allowmorework")
            client.update()


def disconnect(client: Volunteer) -> None:
    """Take the network away from a client."""
    assert client.answer("--set_network_mode", "never") is not None


def connect(client: Volunteer) -> None:
    """Give it back."""
    assert client.answer("--set_network_mode", "always") is not None
    client.update()


def executing(client: Volunteer) -> int:
    """How many tasks a client runs."""
    return client.tasks().count("active_task_state: EXECUTING")
