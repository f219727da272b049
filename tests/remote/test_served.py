"""The embedded project's side of the RPCs: nothing without the owner's key, and nothing half."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from pymw.project.layout import Layout
from pymw.project.messages import block, element
from pymw.remote import forms
from pymw.remote.account import AccountKey
from pymw.remote.rpc import Rpc
from pymw.remote.web import Web

from tests.master.interfaces.tasks import eventually
from tests.remote.conftest import Site

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
COMMANDS = (
    *("create_batch", "submit_batch", "query_batches", "query_batch", "query_batch2", "query_job"),
    *("query_completed_job", "abort_jobs", "abort_batch", "retire_batch", "nonsense"),
)


@pytest.fixture
def http(idle: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=idle.url, timeout=30, trust_env=False) as client:
        yield client


def ask(http: httpx.Client, command: str, *content: str, path: str = "submit_rpc_handler.php") -> str:
    form = urlencode({"request": block(command, *content)})
    answer = http.post(path, content=form, headers=FORM)
    assert answer.status_code == 200
    return answer.text


def upload(http: httpx.Client, key: str, files: dict[str, bytes], names: list[str] | None = None) -> str:
    named = "".join(element("phys_name", name) for name in names or files)
    request = block("upload_files", element("authenticator", key), element("batch_id", 0), named)
    kind, body = forms.multipart(request, files)
    return http.post("job_file.php", content=body, headers={"Content-Type": kind}).text


def downloads(site: Site) -> set[str]:
    return {path.name for path in (site.project.folder / "download").rglob("*") if path.is_file()}


@pytest.mark.parametrize("key", ["", "0" * 32, "owner", "<x>"])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_done_without_the_owner_s_key(http: httpx.Client, command: str, key: str) -> None:
    about = (element("app_name", "pymw"), element("batch_name", "b"), element("job_id", 1))
    said = ask(http, command, element("authenticator", key), *about)
    assert "authenticator</error_msg>" in said and "<success>" not in said


def test_no_file_is_kept_without_the_owner_s_key(http: httpx.Client, idle: Site) -> None:
    before = downloads(idle)
    assert "bad authenticator" in upload(http, "0" * 32, {"a_file": bytes(10**6)})
    said = ask(http, "query_files", element("phys_name", "a_file"), path="job_file.php")
    assert "no authenticator" in said
    assert downloads(idle) == before


def test_the_key_of_a_volunteer_is_not_the_owner_s(http: httpx.Client) -> None:
    account = {"email_addr": "a@b.example", "passwd_hash": "0" * 32, "user_name": "a"}
    key = http.get("create_account.php", params=account).text.split("authenticator>")[1].rstrip("</")
    assert len(key) == 32
    assert "bad authenticator" in ask(http, "query_batches", element("authenticator", key))


def test_files_get_their_names_when_they_are_whole(http: httpx.Client, idle: Site) -> None:
    assert "<success/>" in upload(http, idle.key, {"one": b"1" * 300_000, "two": b""})
    place = Layout(idle.project.folder)
    assert place.download("one").read_bytes() == b"1" * 300_000
    assert http.get("download/one").content == b"1" * 300_000
    assert "<success/>" in upload(http, idle.key, {"one": b"1" * 300_000})
    assert "immutability violation for one" in upload(http, idle.key, {"one": b"2"})
    assert "doesn't agree" in upload(http, idle.key, {"three": b"3"}, ["three", "four"])
    for name in ("../x", "", "a/b", ".x"):
        assert "bad filename" in upload(http, idle.key, {"x": b""}, [name])
    assert not [name for name in downloads(idle) if name.endswith(".tmp")]


def test_an_upload_that_breaks_off_leaves_nothing(http: httpx.Client, idle: Site) -> None:
    request = block("upload_files", element("authenticator", idle.key), element("phys_name", "broken"))
    kind, body = forms.multipart(request, {"broken": bytes(500_000)})

    def half() -> Iterator[bytes]:
        yield body[:400_000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        http.post("job_file.php", content=half(), headers={"Content-Type": kind})
    eventually(lambda: not [name for name in downloads(idle) if "broken" in name])
    short = http.post("job_file.php", content=body[:-20], headers={"Content-Type": kind})
    assert short.status_code == 408


def test_requests_that_are_none_are_refused(http: httpx.Client, idle: Site) -> None:
    assert "<success>1</success>" in ask(http, "ping")
    said = http.post("submit_rpc_handler.php", content=b"\xff<<<", headers=FORM)
    assert "<error>" in said.text
    assert http.post("submit_rpc_handler.php", content=bytes(10_000_001)).status_code == 413
    for content in (element("batch_id", 77), element("batch_id", "x"), ""):
        said_of = ask(http, "query_batch", element("authenticator", idle.key), content)
        assert "no such batch" in said_of
    other = element("app_name", "hello") + element("batch_name", "b")
    assert "app not found: hello" in ask(http, "create_batch", element("authenticator", idle.key), other)


def test_an_output_needs_its_proof_and_is_there_once_it_is_over(http: httpx.Client, idle: Site) -> None:
    proof = hashlib.md5((idle.key + "r_0").encode(), usedforsecurity=False).hexdigest()
    for asked, words in (
        ({"cmd": "result_file", "result_name": "r_0", "auth_str": "0" * 32}, "bad authenticator"),
        ({"cmd": "result_file", "result_name": "r_1", "auth_str": proof}, "bad authenticator"),
        ({"cmd": "result_file", "result_name": "r_0", "auth_str": proof, "file_num": "x"}, "no such file"),
        ({"cmd": "workunit_file", "wu_name": "r", "auth_str": idle.key}, "bad command"),
    ):
        answer = http.get("get_output.php", params=asked)
        assert words in answer.text and answer.headers["content-type"].startswith("text/html")


def test_a_batch_whose_time_is_over_is_removed(idle: Site) -> None:
    import threading

    with Web(idle.url) as web:
        calls = Rpc(web, AccountKey(idle.key), threading.Event(), 5.0)
        calls.create_batch("stays_1", time.time() + 1000)
        calls.create_batch("goes_1", time.time() + 0.1)
        eventually(lambda: [each.name for each in calls.batches("")] == ["stays_1"])
        calls.remove_batch(calls.batches("stays_")[0].id)
        assert calls.batches("") == []


def test_what_the_project_is_is_public(http: httpx.Client, tmp_path: Path) -> None:
    assert http.get("pymw.json").json() == {"format": 1, "app": "pymw", "task_keys": [], "min_quorum": 1}
    assert "<results_in_progress>0</results_in_progress>" in http.get("server_status.php?counts=1").text
