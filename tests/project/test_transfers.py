"""Downloads and uploads: resumed, checked, and never outside the project's folder."""

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pymw.project.jobs import Workunit
from pymw.project.project import Project

from tests.project.played import Played, Reply, upload_request

UPLOAD = "/pymw/file_upload_handler"
LARGE = random.Random(1).randbytes(1_000_000)


@pytest.fixture
def ticket(play: Callable[..., Played], submit: Callable[..., Workunit]) -> tuple[str, str, int]:
    """What a client needs to upload one file: its name, the certificate, and how large it may be."""
    submit(max_nbytes=2_000_000)
    client = play()
    client.ask()
    name, (certificate, max_nbytes) = next(iter(client.tasks["wu_0"].outputs.items()))
    return name, certificate, max_nbytes


def post(http: httpx.Client, body: bytes) -> Reply:
    answer = http.post(UPLOAD, content=body)
    assert answer.status_code == 200
    return Reply(answer.text)


def size(http: httpx.Client, name: str) -> Reply:
    query = f"<data_server_request>\n<get_file_size>{name}</get_file_size>\n</data_server_request>\n"
    return post(http, query.encode())


def uploaded(project: Project, name: str) -> bytes | None:
    found = [path for path in project.folder.glob("upload/*/*") if path.name == name]
    return found[0].read_bytes() if found else None


def everything(folder: Path) -> set[Path]:
    return set(folder.parent.rglob("*"))


@pytest.mark.parametrize("data", [b"", b"short", LARGE], ids=["empty", "short", "large"])
def test_a_file_is_uploaded_whole(
    project: Project, http: httpx.Client, ticket: tuple[str, str, int], data: bytes
) -> None:
    name, certificate, limit = ticket
    assert post(http, upload_request(name, data, certificate, limit)).value("status") == "0"
    assert uploaded(project, name) == data
    assert size(http, name).value("file_size") == str(len(data))
    assert not list(project.folder.glob("upload/*/*.part"))


def test_an_upload_goes_on_where_it_was(
    project: Project, http: httpx.Client, ticket: tuple[str, str, int]
) -> None:
    name, certificate, limit = ticket
    whole = upload_request(name, LARGE, certificate, limit)
    first = post(http, whole[:600_000])
    assert (first.value("status"), "bytes are missing" in first.text) == ("1", True)
    there = int(size(http, name).value("file_size"))
    assert 0 < there < len(LARGE) and uploaded(project, name) is None
    assert post(http, upload_request(name, LARGE, certificate, limit, there)).value("status") == "0"
    assert uploaded(project, name) == LARGE


def test_what_is_there_is_final(project: Project, http: httpx.Client, ticket: tuple[str, str, int]) -> None:
    name, certificate, limit = ticket
    for data in (b"first", b"first", b"other content"):
        assert post(http, upload_request(name, data, certificate, limit)).value("status") == "0"
    assert uploaded(project, name) == b"first"


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"certificate": ""}, "-1", "missing signature"),
        ({"certificate": "00" * 128 + "\n."}, "-1", "invalid signature"),
        ({"max_nbytes": 3_000_000}, "-1", "invalid signature"),
        ({"name": "another_0_r1_0"}, "-1", "invalid signature"),
        ({"name": "../../x"}, "-1", "file name"),
        ({"name": "a/b"}, "-1", "file name"),
        ({"name": "/etc/passwd"}, "-1", "file name"),
        ({"name": ".hidden"}, "-1", "file name"),
        ({"data": b"x" * 2_000_001}, "-1", "exceeds"),
        ({"offset": 3}, "1", "0 bytes &lt; offset"),
        ({"checksum": "0" * 32}, "1", "MD5"),
    ],
)
def test_what_was_not_allowed_is_refused(
    project: Project,
    http: httpx.Client,
    ticket: tuple[str, str, int],
    change: dict[str, object],
    status: str,
    words: str,
) -> None:
    name, certificate, limit = ticket
    asked = {"name": name, "data": b"data", "certificate": certificate, "max_nbytes": limit, **change}
    before = everything(project.folder)
    reply = post(http, upload_request(**asked))  # type: ignore[arg-type]
    assert (reply.value("status"), words in reply.text) == (status, True), reply.text
    new = {path.name for path in everything(project.folder) - before}
    assert new <= {"project.sqlite-wal", "project.sqlite-shm"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", "1"),
        (b"nonsense", "1"),
        (b"<get_file_size>../x</get_file_size>", "-1"),
        (b"<file_upload><file_info></file_info>\n<data>\n", "-1"),
        (b"x" * 100_000, "-1"),
    ],
)
def test_what_is_no_upload_is_answered(http: httpx.Client, body: bytes, status: str) -> None:
    assert post(http, body).value("status") == status


def test_a_file_of_a_forgotten_task_is_refused(
    project: Project, http: httpx.Client, ticket: tuple[str, str, int]
) -> None:
    name, certificate, limit = ticket
    project.cancel(batch="")
    project.forget("")
    reply = post(http, upload_request(name, b"late", certificate, limit))
    assert (reply.value("status"), uploaded(project, name)) == ("-1", None)


def test_more_than_was_announced_is_passed_over(
    project: Project, http: httpx.Client, ticket: tuple[str, str, int]
) -> None:
    name, certificate, limit = ticket
    body = upload_request(name, b"exact", certificate, limit) + b"and more"
    assert post(http, body).value("status") == "0"
    assert uploaded(project, name) == b"exact"


def test_an_upload_that_does_not_end_is_cut(
    project: Project, http: httpx.Client, ticket: tuple[str, str, int]
) -> None:
    name, certificate, limit = ticket
    body = upload_request(name, b"exact", certificate, limit)

    def endless() -> Iterator[bytes]:
        yield body
        for _ in range(10_000):
            yield b"x" * 100_000

    with contextlib.suppress(httpx.TransportError):  # it may be told before it has sent all
        assert http.post(UPLOAD, content=endless()).status_code == 413
    assert post(http, body).value("status") == "0"
    assert uploaded(project, name) == b"exact"


@pytest.mark.parametrize("content", [b"", b"small", LARGE], ids=["empty", "small", "large"])
def test_a_file_is_downloaded_whole_or_from_a_byte_on(
    project: Project, http: httpx.Client, content: bytes
) -> None:
    url = f"/pymw/download/{project.stage(content, 'data')}"
    whole = http.get(url)
    assert (whole.status_code, whole.content) == (200, content)
    if content:
        rest = http.get(url, headers={"Range": "bytes=3-"})
        assert (rest.status_code, rest.content) == (206, content[3:])
        assert rest.headers["content-range"] == f"bytes 3-{len(content) - 1}/{len(content)}"
        assert http.get(url, headers={"Range": f"bytes={len(content)}-"}).status_code == 416


@pytest.mark.parametrize(
    "name", ["absent", "..%2fproject.sqlite", "..%2f..%2fkeys%2fupload_secret", "%00", "a%2fb", "%2e%2e"]
)
def test_nothing_else_is_downloaded(http: httpx.Client, name: str) -> None:
    answer = http.get(f"/pymw/download/{name}")
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


def test_application_files_are_served_as_they_are_signed(project: Project, http: httpx.Client) -> None:
    answer = http.get("/pymw/download/pymw_1.04_x86_64-pc-linux-gnu")
    assert answer.status_code == 200
    assert b"API_VERSION_7.20.0" in answer.content
