"""Whatever bytes a client writes, init_data.xml and the channels cost the worker a sentence at most."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw_worker.boinc import channels, client, init_data, slot
from pymw_worker.clock import Clock

from tests.bench.soak import rounds
from tests.faults.plugin import Held
from tests.worker.job import RETURN, Jobs

SLOWEST = timedelta(seconds=5)  # for one input
TAGS = [
    "wu_cpu_time",
    "client_pid",
    "shm_key",
    "comm_obj_name",
    "project_dir",
    "fraction_done_start",
    "wu_name",
]
NUMBERS = ["", "nan", "-inf", "1e999", "0x10", "-1", "99999999999999999999", "1,5", " 7 ", "٣"]
element = st.builds(
    "<{0}>{1}</{2}>{3}".format,
    st.sampled_from(TAGS),
    st.sampled_from(NUMBERS) | st.text(max_size=20),
    st.sampled_from(TAGS),
    st.sampled_from(["", "\n", "<host_info>", "</host_info>", "<app_init_data>", "\0"]),
)
document = st.lists(element | st.text(max_size=20), max_size=12).map(
    lambda parts: ("<app_init_data>\n" + "".join(parts) + "</app_init_data>\n").encode("utf-8", "replace")
)
WISHES = [
    "<suspend/>",
    "<resume/>",
    "<quit/>",
    "<abort/>",
    "<reread_app_info/>",
    "<heartbeat/>",
    "<",
    ">",
    "\1",
]
message = st.lists(st.sampled_from(WISHES) | st.text(max_size=8), max_size=200).map(
    lambda parts: "".join(parts).encode("utf-8")
)


@pytest.mark.soak
@pytest.mark.fault("init_data.xml of any bytes")
def test_any_init_data_is_read_or_unreadable(tmp_path: Path, held: Held) -> None:
    tried = 0

    @given(document | st.binary(max_size=300))
    @settings(max_examples=rounds(1000, 50_000), deadline=SLOWEST)
    def read(data: bytes) -> None:
        nonlocal tried
        tried += 1
        (tmp_path / init_data.NAME).write_bytes(data)
        init_data.blank_secrets(str(tmp_path))
        try:
            found = init_data.read(str(tmp_path))
        except init_data.Unreadable:
            return
        for tag in TAGS:
            assert math.isfinite(found.number(tag))
            found.text(tag).encode("utf-8", "surrogateescape")
        client.Client(str(tmp_path), found, bytearray(channels.TOTAL), Clock()).report(1.0, 0.5, 0.25)

    read()
    held("files init_data.xml", tried)


@pytest.mark.soak
@pytest.mark.fault("channel messages of any bytes")
def test_any_message_is_a_wish_or_passed_over(tmp_path: Path, held: Held) -> None:
    tried = 0
    alive = init_data.InitData(f"<client_pid>{os.getpid()}</client_pid>")
    known = {client.SUSPEND, client.RESUME, client.QUIT, client.ABORT}

    @given(message | st.binary(max_size=1100), st.binary(max_size=1100), st.integers(0, 255))
    @settings(max_examples=rounds(1500, 50_000), deadline=SLOWEST)
    def hear(control: bytes, heartbeat: bytes, flag: int) -> None:
        nonlocal tried
        tried += 1
        memory = bytearray(channels.TOTAL)
        for offset, data in ((channels.CONTROL, control), (channels.HEARTBEAT, heartbeat)):
            filled = (bytes([flag]) + data)[: channels.SIZE]
            memory[offset : offset + len(filled)] = filled
        found = client.Client(str(tmp_path), alive, memory, Clock())
        assert set(found.wishes()) <= known
        assert found.wishes() == [], "heard once"

    hear()
    held("channel messages", tried)


@pytest.mark.soak
@pytest.mark.fault("init_data.xml of any bytes")
def test_any_first_line_is_a_soft_link_or_a_file(tmp_path: Path, held: Held) -> None:
    tried = 0
    here = slot.Slot(str(tmp_path))

    @given(
        st.binary(max_size=600) | st.binary(max_size=600).map(lambda b: b"<soft_link>" + b + b"</soft_link>")
    )
    @settings(max_examples=rounds(500, 20_000), deadline=SLOWEST)
    def resolve(data: bytes) -> None:
        nonlocal tried
        tried += 1
        (tmp_path / "name").write_bytes(data)
        assert Path(here.resolve("name")).is_absolute()
        (tmp_path / slot.FINISH_FILE).write_bytes(data)
        assert isinstance(here.finish_code(), int)

    resolve()
    held("soft links and finish files", tried)


@pytest.mark.soak
@pytest.mark.fault("init_data.xml of any bytes", "channel messages of any bytes")
def test_a_worker_whose_client_writes_nonsense_does_its_job(jobs: Jobs, held: Held) -> None:
    tried = 0

    @given(document, message.filter(lambda text: b"quit" not in text and b"abort" not in text))
    @settings(max_examples=rounds(15, 300), deadline=None)
    def work(data: bytes, control: bytes) -> None:
        nonlocal tried
        tried += 1
        job = jobs(RETURN, 5)
        assert job.client
        (job.slot / init_data.NAME).write_bytes(data)
        job.start()
        said = b"\1" + control[: channels.SIZE - 20].replace(b"<suspend/>", b"") + b"<resume/>\0"
        job.client.memory[: len(said)] = said
        assert job.wait(60) == 0, job.stderr()
        assert job.value() == (5,)
        assert "Traceback" not in job.stderr()
        job.close()

    work()
    held("jobs of a client that writes nonsense", tried)
