"""What a task cannot do, and cannot see, on a volunteer's computer."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.worker.job import Job, Jobs

LOOK = """
import os
def task():
    facts = {"environment": dict(os.environ), "init_data": open("../init_data.xml").read()}
    open("made", "w").close()
    facts["mode"] = os.stat("made").st_mode & 511
    try:
        import resource
        facts["core"] = resource.getrlimit(resource.RLIMIT_CORE)
    except ImportError:
        pass
    try:
        stream = open("large", "wb")
        stream.seek(100000)
        stream.write("x".encode("ascii"))
        stream.close()
        facts["large"] = "written"
    except EnvironmentError:
        facts["large"] = "refused"
    return facts
"""
SECRETS = {"authenticator": "VERY<SECRET".replace("<", "_"), "rsc_disk_bound": 100000}


def look(jobs: Jobs, **options: Any) -> dict[str, Any]:
    job: Job = jobs(LOOK, **options)
    assert job.run() == 0, job.stderr()
    found: dict[str, Any] = job.value()
    return found


def test_the_volunteer_s_password_is_nowhere_that_the_task_is_given(jobs: Jobs) -> None:
    facts = look(jobs, fields=SECRETS)
    assert "VERY_SECRET" not in repr(facts)
    assert "<authenticator>***********</authenticator>" in facts["init_data"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_no_core_files_no_files_for_others_and_none_larger_than_the_job_may(jobs: Jobs) -> None:
    facts = look(jobs, fields=SECRETS)
    assert facts["core"] == (0, 0)
    assert facts["mode"] == (0o660 if sys.platform == "darwin" else 0o600)
    assert facts["large"] == "refused"


def test_without_such_limits_it_writes_what_it_likes(jobs: Jobs) -> None:
    assert look(jobs)["large"] == "written"
