"""Jobs as the RPCs describe them, and what the stock server answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymw.errors import ProjectError
from pymw.project.jobs import Input, Output, Workunit
from pymw.project.limits import Broken
from pymw.project.messages import BadRequest, Fields
from pymw.project.remote import multipart
from pymw.remote import forms, replies
from pymw.remote.replies import Refused
from pymw.remote.web import Reply, Unreachable

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,30}", fullmatch=True)
PRINTABLE = st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"], include_characters=" ")
OUTPUTS = st.builds(Output, NAMES, st.booleans(), st.booleans())
WHOLE = st.integers(1, 10**15).map(float)
WORKUNITS = st.builds(
    Workunit,
    name=NAMES,
    inputs=st.lists(st.builds(Input, NAMES, NAMES, st.booleans()), max_size=3).map(tuple),
    command_line=st.text(PRINTABLE, max_size=60).map(str.strip),
    outputs=st.lists(OUTPUTS, min_size=1, max_size=3).map(tuple),
    target_nresults=st.integers(1, 99),
    min_quorum=st.integers(1, 99),
    max_error_results=st.integers(0, 99),
    max_total_results=st.integers(1, 99),
    max_nbytes=st.integers(1, 2**50),
    delay_bound=WHOLE,
    rsc_fpops_est=WHOLE,
    rsc_fpops_bound=WHOLE,
    memory_bound=WHOLE,
    disk_bound=WHOLE,
)


@given(WORKUNITS)
def test_a_job_is_read_as_it_was_written(workunit: Workunit) -> None:
    text = forms.job(workunit)
    assert forms.read_job(Fields(text)["job"]) == workunit
    assert re.search("^<result>$", text, re.MULTILINE) and text.isascii()
    assert not re.search("[\"'\\\\`]", Fields(Fields(text)["job"])["command_line"])  # which SQL gets as it is


def test_a_command_line_that_create_work_cannot_read_is_refused() -> None:
    with pytest.raises(ProjectError, match="too long"):
        forms.job(Workunit(name="a", inputs=(), command_line="x" * 3501))


@pytest.mark.parametrize(
    ("old", "new"), [("local_staged", "inline"), ("<input_file>", "<other>"), ("</file_ref>", "")]
)
def test_a_job_that_is_not_understood_is_refused(old: str, new: str) -> None:
    text = Fields(forms.job(Workunit(name="a", inputs=(Input("f", "g"),))))["job"]
    with pytest.raises(BadRequest):
        forms.read_job(text.replace(old, new, 1))


FILES = st.dictionaries(NAMES, st.binary(max_size=300) | st.just(b"\r\n--"), max_size=4)


@given(st.data(), FILES, st.integers(1, 50))
def test_files_arrive_however_the_form_is_cut(
    data: st.DataObject, files: dict[str, bytes], step: int
) -> None:
    kind, body = forms.multipart("<request/>", files)
    cuts = [body[at : at + step] for at in range(0, len(body), step)]
    assert asyncio.run(_read(cuts, multipart.boundary_of(kind))) == [b"<request/>", *files.values()]
    short = data.draw(st.integers(0, len(body) - 5))
    with pytest.raises((Broken, BadRequest)):
        asyncio.run(_read([body[:short]], multipart.boundary_of(kind)))


async def _read(pieces: list[bytes], boundary: str) -> list[bytes]:
    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    found = []
    async for part in multipart.parts(source(), boundary):
        found.append(b"".join([piece async for piece in part.content]))
    return found


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary="])
def test_what_is_no_form_with_files_has_no_boundary(kind: str) -> None:
    assert multipart.boundary_of(kind) == ""


STOCK = Path(__file__).parent / "data"


def stock(name: str, status: int = 200) -> Reply:
    return Reply(status, "text/xml", (STOCK / name).read_bytes())


def test_the_stock_server_s_replies_that_are_not_well_formed_are_read() -> None:
    aborted = replies.content(stock("abort_jobs.xml"), "abort_jobs", "url")
    assert Fields(aborted)["success"] == "1"
    failed = replies.content(stock("completed_job_failed.xml", 500), "query_completed_job", "url")
    about = Fields(replies.first(failed, "completed_job"))
    assert (about.integer("error_mask"), "exit_status" in about) == (18, False)
    with pytest.raises(Refused, match="bad authenticator"):
        replies.content(stock("bad_authenticator.xml"), "create_batch", "url")
    with pytest.raises(Unreachable):
        replies.content(Reply(500, "text/html", b""), "upload_files", "url")


def test_what_a_task_has_printed_is_read_as_it_was() -> None:
    reply = replies.content(stock("completed_job.xml"), "query_completed_job", "url")
    about = Fields(replies.first(reply, "completed_job"))
    assert about.integer("canonical_resultid") > 0 and about.number("elapsed_time") > 0
    said = replies.stderr(about)
    assert said.startswith("<stderr_txt>") and said.endswith("</stderr_txt>")


def test_the_page_of_a_result_tells_how_it_ended() -> None:
    attempt = replies.result_page((STOCK / "result_page.html").read_text())
    assert (attempt.host, attempt.exit_status) == (3, 195)
    assert "exit status 7" in attempt.stderr and "<stderr_txt>" in attempt.stderr
