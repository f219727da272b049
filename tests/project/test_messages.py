"""Requests are read leniently, and in time that grows with their length and no faster."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw.project import messages, request
from pymw.project.messages import BadRequest, Fields

DATA = Path(__file__).parent / "data"


def captured(name: str) -> bytes:
    return (DATA / name).read_bytes()


def test_elements_come_in_order_and_what_is_not_understood_is_passed_over() -> None:
    text = "junk <a>1</a> & < <b/> <c> <d>2</d> </c> <open> <e>3</e> </stray>"
    assert list(messages.elements(text)) == [("a", "1"), ("b", ""), ("c", " <d>2</d> "), ("e", "3")]


def test_fields_are_clean_and_within_bounds() -> None:
    fields = Fields("<a>x\x00\n y</a><n>1e400</n><m>nan</m><k> 7.9 </k><p>../x</p><q>ok_1.2</q>")
    assert fields.text("a") == "x y"
    assert (fields.number("n", 5), fields.number("m", 5), fields.integer("k")) == (5, 5, 7)
    assert fields.number("k", high=3) == 3
    assert (fields.name("p"), fields.name("q"), fields.name("absent")) == ("", "ok_1.2", "")


def test_what_a_task_printed_is_no_part_of_the_request() -> None:
    evil = "</stderr_out></result><hostid>666</hostid>]]><result><name>forged</name>"
    text = captured("b5_sched_report_one.req").decode("latin-1")
    read = request.read(text.replace("hello from the application", evil).encode("latin-1"))
    assert read.hostid == 3
    (report,) = read.reports
    assert report.name == "sp_small_1_0"
    assert evil in report.stderr


def test_a_report_is_read_as_the_client_meant_it() -> None:
    read = request.read(captured("b5_sched_report_one.req"))
    assert (read.hostid, read.rpc_seqno, read.client) == (3, 3, "7.20.5")
    assert read.platforms == ("x86_64-pc-linux-gnu",)
    assert (read.wants_work, read.seconds, read.instances) == (True, 3456, 2)
    assert read.others == {"sp_big_1_0"}
    assert read.files == ["sp_shared"]
    (report,) = read.reports
    assert (report.exit_status, report.state) == (0, 5)
    (file,) = report.files.values()
    assert (file.nbytes, file.md5, file.refused) == (55, "83588caf4ab53af0dcea7c330c5d911a", False)


def test_a_refused_upload_is_seen_though_the_state_says_success() -> None:
    element = captured("e_report_upload_refused_permanently.xml").decode()
    text = f"<scheduler_request>{element}</scheduler_request>"
    (report,) = request.read(text.encode()).reports
    assert (report.exit_status, report.state) == (0, 5)
    assert [file.refused for file in report.files.values()] == [True]


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"<scheduler_request>", b"</scheduler_request>", b"\xff\x00"]
)
def test_what_is_no_request_is_a_bad_one(body: bytes) -> None:
    with pytest.raises(BadRequest):
        request.read(body)


@pytest.mark.parametrize(
    "piece",
    [
        "<result>",
        "<a>",
        "<![CDATA[",
        "]]>\n</stderr_out>",
        "<a><b>",
        "<",
        "<a/>",
        "\0",
        "<file_info>\n<name>",
    ],
)
def test_a_large_hostile_request_takes_little_time(piece: str) -> None:
    body = f"<scheduler_request>{piece * (3_000_000 // len(piece))}</scheduler_request>".encode()
    started = time.monotonic()
    request.read(body)
    assert time.monotonic() - started < 10


def test_many_elements_without_an_end_take_little_time() -> None:
    inside = "".join(f"<t{i}>" for i in range(200_000))
    started = time.monotonic()
    request.read(f"<scheduler_request>{inside}</scheduler_request>".encode())
    assert time.monotonic() - started < 5


@given(st.binary(max_size=2000))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    request.read(b"<scheduler_request>" + body + b"</scheduler_request>")
