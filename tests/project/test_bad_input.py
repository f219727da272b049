"""Garbage, however it is made: an answer of the protocol, no traceback, nothing written elsewhere."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymw.project import limits, serve
from pymw.project.jobs import Workunit
from pymw.project.project import Project

from tests.project.played import Played

DATA = Path(__file__).parent / "data"
CAPTURED = [path.read_bytes() for path in sorted(DATA.glob("*.req"))]
SCHEDULER = "/pymw/cgi"


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A captured request with pieces cut out, doubled, exchanged or filled with anything."""
    body = bytearray(draw(st.sampled_from(CAPTURED)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(body)))
        end = min(len(body), at + draw(st.integers(0, 200)))
        kind = draw(st.sampled_from(["cut", "double", "fill", "number", "end"]))
        if kind == "cut":
            del body[at:end]
        elif kind == "double":
            body[at:at] = body[at:end]
        elif kind == "fill":
            body[at:end] = draw(st.binary(max_size=50))
        elif kind == "number":
            body[at:end] = draw(
                st.sampled_from([b"-1", b"1e999", b"nan", b"99999999999999999999", b"<", b"\0"])
            )
        else:
            del body[at:]
    return bytes(body)


@given(body=mutated(), own_key=st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_requests_are_answered(
    project: Project, http: httpx.Client, body: bytes, own_key: bool
) -> None:
    if own_key:
        body = body.replace(b"222222220123456789abcdef01234567", project.owner_key().encode())
    for url in (SCHEDULER, "/pymw/file_upload_handler"):
        answer = http.post(url, content=body)
        assert answer.status_code == 200
        assert "Traceback" not in answer.text
    assert {path.name for path in project.folder.parent.iterdir()} == {"lab"}


@pytest.mark.parametrize(
    "url", ["/", "/pymw", "/pymw/x", "/pymw/download/", "/pymw//cgi", "/%00", "/pymw/cgi/../../x"]
)
def test_there_is_nothing_at_other_addresses(http: httpx.Client, url: str) -> None:
    assert http.get(url).status_code in (404, 405, 307)


def test_the_master_page_names_the_scheduler_on_a_short_line(project: Project, http: httpx.Client) -> None:
    lines = http.get("/pymw/").text.splitlines()
    assert f'<link rel="boinc_scheduler" href="{project.settings.url}cgi">' in lines


def test_a_body_that_is_too_large_is_refused_and_others_are_served(
    http: httpx.Client, play: Callable[..., Played]
) -> None:
    assert http.post(SCHEDULER, content=b"x" * (limits.SCHEDULER_BODY + 1)).status_code == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(110):
            yield b"x" * 100_000

    with contextlib.suppress(httpx.TransportError):  # it may be told before it has sent all
        assert http.post(SCHEDULER, content=chunks()).status_code == 413
    assert play().ask(0).value("hostid") == "1"


def test_a_body_that_stays_away_is_given_up(
    http: httpx.Client, play: Callable[..., Played], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SILENCE_SECONDS", 0.5)
    with raw(http) as connection:
        connection.sendall(b"POST /pymw/cgi HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        assert play().ask(0).value("hostid") == "1"
        assert closed(connection)


def test_a_connection_that_says_nothing_is_closed(
    http: httpx.Client, play: Callable[..., Played], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.5)
    with raw(http) as silent, raw(http) as slow:
        slow.sendall(b"POST /pymw/cgi HT")
        assert play().ask(0).value("hostid") == "1"
        assert closed(silent) and closed(slow)


def test_an_address_has_so_many_connections_and_no_more(
    http: httpx.Client, play: Callable[..., Played]
) -> None:
    connections = [raw(http) for _ in range(210)]
    time.sleep(0.3)
    refused = 0
    for connection in connections:
        connection.settimeout(0.02)
        try:
            refused += connection.recv(1) == b""
        except ConnectionError:
            refused += 1
        except TimeoutError:
            pass
    for connection in connections:
        connection.close()
    assert 5 <= refused <= 20
    time.sleep(0.3)
    assert play().ask(0).value("hostid") == "1"


def test_who_asks_too_often_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    rate = limits.Rate(60)
    assert [rate.allows("a") for _ in range(61)] == [True] * 60 + [False]
    assert rate.allows("b")
    now += 1.1
    assert [rate.allows("a"), rate.allows("a")] == [True, False]


def test_one_client_s_garbage_stops_no_other(
    project: Project, http: httpx.Client, play: Callable[..., Played], submit: Callable[..., Workunit]
) -> None:
    submit()
    for body in (b"\0" * 1000, b"<scheduler_request>" * 1000, CAPTURED[0][:-100]):
        assert http.post(SCHEDULER, content=body).status_code == 200
    client = play()
    client.ask()
    client.finish("wu_0")
    client.ask(0)
    assert len(project.finished_since(0)) == 1


def raw(http: httpx.Client) -> socket.socket:
    return socket.create_connection((http.base_url.host, http.base_url.port or 80), 5)


def closed(connection: socket.socket) -> bool:
    """Whether the other side closes it within five seconds."""
    try:
        while connection.recv(1000):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
