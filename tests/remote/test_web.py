"""The key goes to nobody but the project, and replies of any kind do no harm."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymw import InterfaceError
from pymw.errors import KeyFileError, ProjectError
from pymw.interfaces.boinc import BOINCInterface
from pymw.remote.account import VARIABLE, AccountKey
from pymw.remote.backend import RemoteBackend, check
from pymw.remote.replies import Refused
from pymw.remote.web import PLAIN_HTTP, TooMuch, Unreachable, Web
from pymw.server.facts import Facts

from tests.project.conftest import served
from tests.remote.answering import answering
from tests.remote.conftest import Site

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


@pytest.mark.parametrize(
    "url",
    [
        "http://project.example/",
        "http://192.0.2.7:8080/pymw/",
        "http://127.0.0.1.project.example/",
        "http://user:word@127.0.0.1/",
        "https://project.example:port/",
        "https://project.example/?x=1",
        "https:///nowhere/",
    ],
)
def test_a_url_that_would_show_the_key_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(ProjectError) as caught:
        RemoteBackend(url)
    assert KEY not in str(caught.value)


def test_the_user_may_say_that_the_way_is_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLAIN_HTTP, "1")
    assert Web("http://192.0.2.7/lab").url == "http://192.0.2.7/lab/"


def test_a_wrong_key_is_refused_in_one_sentence_without_the_key(idle: Site) -> None:
    with pytest.raises(ProjectError, match="does not know this account key") as caught:
        BOINCInterface(idle.url)
    assert KEY not in str(caught.value)


def test_no_key_and_no_app_versions_from_elsewhere(
    idle: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(KeyFileError, match="pymw account add"):
        BOINCInterface(idle.url)
    with pytest.raises(InterfaceError, match="on the server"):
        BOINCInterface(idle.url, custom_app_dir=tmp_path)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {}, b"nothing"), "no project for PyMW"),
        ((200, {}, b"<html>"), "master URL"),
        ((200, {}, b'{"format": 1, "app": "hello", "task_keys": [], "min_quorum": 1}'), "none of PyMW's"),
        ((200, {}, b"\xff"), "master URL"),
        (
            (302, {"Location": "http://192.0.2.66/thief?x"}, b""),
            "sends its callers to http://192.0.2.66/thief:",
        ),
        ((503, {}, b""), "answers 503"),
        ((200, {"Content-Length": "100"}, b"short"), "the connection broke off|does not answer"),
    ],
)
def test_what_is_no_project_of_pymw_s_says_so(
    answer: tuple[int, dict[str, str], bytes], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymw.remote.web._TIMEOUT", 1.0)
    with answering(lambda path, body: answer) as url, pytest.raises(ProjectError, match=words):
        RemoteBackend(url)


def test_a_reply_that_has_no_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pymw.remote.web._LARGEST", 1000)
    with answering(lambda path, body: (200, {}, bytes(1001))) as url, Web(url) as web:  # noqa: SIM117
        with pytest.raises(TooMuch):
            web.ask("GET", "pymw.json")


def test_a_download_is_no_larger_than_it_may_be() -> None:
    octets = {"Content-Type": "application/octet-stream"}
    with answering(lambda path, body: (200, octets, bytes(1001))) as url, Web(url) as web:
        file = io.BytesIO()
        assert web.download("x", file, 1001).status == 200
        assert len(file.getvalue()) == 1001
        with pytest.raises(TooMuch):
            web.download("x", io.BytesIO(), 1000)


def test_a_key_that_the_project_repeats_is_not_told_on() -> None:
    facts = Facts("pymw", (), 1).text().encode()

    def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        said = b"<error>\n<error_num>-1</error_num>\n<error_msg>can't parse request message: %s</error_msg>"
        return 200, {}, said % body if body else facts

    with answering(answer) as url, Web(url) as web, pytest.raises(Refused) as caught:
        check(web, AccountKey(KEY))
    assert "(the account key)" in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [(-1, Refused, "refuses query_batches: no <luck>"), (-183, Unreachable, "no <luck>")],
)
def test_an_error_of_the_project_is_told_in_its_words(
    number: int, kind: type[ProjectError], words: str
) -> None:
    facts = Facts("pymw", (), 1).text().encode()
    error = f"<error>\n<error_num>{number}</error_num>\n<error_msg>no &lt;luck&gt;</error_msg>\n</error>"
    refusal = f"<query_batches>\n{error}\n</query_batches>".encode()
    with (
        answering(lambda path, body: (200, {}, refusal if body else facts)) as url,
        Web(url) as web,
        pytest.raises(kind, match=words),
    ):
        check(web, AccountKey(KEY))


def test_a_connection_is_kept_and_a_closed_one_replaced() -> None:
    close = False

    def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Connection": "close"} if close else {}, path.encode()

    with answering(answer) as url:
        web = Web(url)
        assert [web.ask("GET", name).body for name in "ab"] == [b"/a", b"/b"]
        assert len(web._idle) == 1
        close = True
        assert [web.ask("GET", name).body for name in "ab"] == [b"/a", b"/b"]
        assert web._idle == []
        web.close()


def test_a_proxy_is_used_if_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLAIN_HTTP, "1")
    monkeypatch.delenv("no_proxy", raising=False)
    with answering(lambda path, body: (200, {}, path.encode())) as url:
        monkeypatch.setenv("http_proxy", url)
        with Web("http://project.example/lab/") as web:
            reply = web.ask("GET", "pymw.json")
    assert reply.body == b"http://project.example/lab/pymw.json"


@pytest.fixture
def encrypted(idle: Site, certificate: tuple[Path, Path]) -> Iterator[str]:
    """Another server of the project, with a certificate that nobody knows."""
    with served(idle.project, *certificate) as port:
        yield f"https://127.0.0.1:{port}/pymw/"


def test_a_server_must_prove_who_it_is(
    encrypted: str, idle: Site, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, idle.key)
    with pytest.raises(ProjectError, match="does not prove who it is"):
        RemoteBackend(encrypted)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    backend = RemoteBackend(encrypted)
    assert backend.status()["unsent"] == 0
    backend.close()
