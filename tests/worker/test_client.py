"""The client dies, or can't be understood."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.bench.fake_client import SECRET
from tests.worker.job import COUNT, RETURN, Jobs, count, processes_in


@pytest.mark.fault("the client's process is gone")
def test_when_the_client_dies_the_task_dies_too(jobs: Jobs) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as client:
        job = jobs(COUNT, fields={"client_pid": client.pid})
        job.start(
            boot="import sys\nsys.path[0]=sys.argv.pop(1)\nfrom pymw_worker.boinc import client\n"
            "client.ALIVE_CHECK_PERIOD = 0.5\nimport pymw_worker.__main__ as m\nm.main()\n"
        )
        count(job)
        time.sleep(0.8)
        assert job.process and job.process.poll() is None
        client.communicate()
    assert job.wait(20) == 0
    assert not job.succeeded()
    assert not processes_in(job.slot)


@pytest.mark.fault("the client's process is gone")
def test_without_a_client_pid_thirty_seconds_without_heartbeat_are_the_end(jobs: Jobs) -> None:
    job = jobs(COUNT, fields={"client_pid": 0})
    job.start(
        boot="import sys\nsys.path[0]=sys.argv.pop(1)\nfrom pymw_worker.boinc import client\n"
        "client.HEARTBEAT_PATIENCE = 2.0\nimport pymw_worker.__main__ as m\nm.main()\n"
    )
    assert job.client and job.process
    for _ in range(25):
        job.client.heartbeat()
        time.sleep(0.1)
        assert job.process.poll() is None
    assert job.process.wait(20) == 0
    assert not job.succeeded()


def test_the_real_patience_is_that_of_the_stock_runtime() -> None:
    from pymw_worker.boinc import client, slot

    assert (client.ALIVE_CHECK_PERIOD, client.HEARTBEAT_PATIENCE, slot.LOCK_PATIENCE) == (10.0, 30.0, 35.0)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("truncated", marks=pytest.mark.fault("init_data.xml is truncated")),
        pytest.param("empty", marks=pytest.mark.fault("init_data.xml is truncated")),
        pytest.param("binary", marks=pytest.mark.fault("init_data.xml is not UTF-8")),
    ],
)
def test_an_init_data_that_cannot_be_read_costs_the_talk_but_not_the_work(jobs: Jobs, damage: str) -> None:
    job = jobs(RETURN, 5)
    path = job.slot / "init_data.xml"
    data = path.read_bytes()
    path.write_bytes(
        {"truncated": data[: len(data) // 2], "empty": b"", "binary": bytes(range(256)) * 9}[damage]
    )
    assert job.run() == 0
    assert job.value() == (5,)
    assert job.succeeded()


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param("missing", marks=pytest.mark.fault("shared memory is missing")),
        pytest.param("empty", marks=pytest.mark.fault("shared memory of size 0")),
        pytest.param("short", marks=pytest.mark.fault("shared memory is too short")),
        pytest.param("system v", marks=pytest.mark.fault("shared memory by a System V key")),
    ],
)
def test_shared_memory_that_is_not_there_costs_the_talk_but_not_the_work(jobs: Jobs, memory: str) -> None:
    job = jobs(RETURN, 5, memory=False, fields={"shm_key": 4711} if memory == "system v" else {})
    if memory in ("empty", "short"):
        (job.slot / "boinc_mmap_file").write_bytes(b"" if memory == "empty" else bytes(100))
    assert job.run() == 0
    assert job.value() == (5,)
    assert job.succeeded()
    assert "no shared memory" in job.stderr()


def test_the_authenticator_appears_nowhere(jobs: Jobs) -> None:
    job = jobs("import os\ndef task():\n    os._exit(9)\n")
    assert job.run() == 195
    texts = [
        path.read_bytes() for path in job.slot.iterdir() if path.is_file() and path.name != "init_data.xml"
    ]
    assert not [text for text in [*texts, job.path("pymw_log").read_bytes()] if SECRET.encode() in text]
