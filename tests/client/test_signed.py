"""A real, unmodified BOINC client with an app version that trusts a key: signed tasks run, others do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pymw_platforms
import pytest
from pymw import key_files
from pymw.key_files import TaskKey
from pymw.signing import sign
from pymw_packager import app_version
from pymw_packager.app_version import Recipe
from pymw_packager.client_folder import Job
from pymw_packager.progress import Progress
from pymw_packager.trial import Trial

from tests.bench.packages import job_of, value_in
from tests.client import jobs

PATIENCE = 60  # seconds


@pytest.fixture
def key(tmp_path: Path) -> TaskKey:
    pytest.importorskip("cryptography")
    key_files.create(tmp_path / "key.pem")
    return key_files.load(tmp_path / "key.pem")


@pytest.fixture
def trusting(boinc_client: None, key: TaskKey, tmp_path: Path) -> Path:
    """An app version for this machine that trusts the key."""
    platform = pymw_platforms.load("x86_64-pc-linux-gnu")
    recipe = Recipe(platform=platform, version="1.04", interpreter="none", trust=(key.public.hex(),))
    return app_version.build(recipe, tmp_path / "apps", Progress()).folder


def signed(job: Job, key: TaskKey) -> Job:
    inputs = {name: sign(data, key) for name, data in job.inputs.items()}
    return replace(job, inputs=inputs, command_line=f"{job.command_line} --task test")


def test_a_signed_task_runs(trusting: Path, key: TaskKey, tmp_path: Path) -> None:
    with Trial(tmp_path / "client", trusting, signed(job_of(jobs.total, [20, 22]), key)) as trial:
        ended = trial.wait(PATIENCE)
    assert ended.succeeded, ended.stderr
    assert value_in(ended.outputs["pymw_result"]) == 42


def test_an_unsigned_task_is_refused_with_exit_status_206(trusting: Path, tmp_path: Path) -> None:
    with Trial(tmp_path / "client", trusting, job_of(jobs.total, [20, 22])) as trial:
        ended = trial.wait(PATIENCE)
    assert not ended.succeeded
    assert ended.exit_status == 206
    assert "the code bundle is not signed, and this application runs signed code alone" in ended.stderr


def test_a_task_of_another_name_is_refused(trusting: Path, key: TaskKey, tmp_path: Path) -> None:
    job = signed(job_of(jobs.total, [20, 22]), key)
    job = replace(job, command_line=job.command_line.replace("--task test", "--task other"))
    with Trial(tmp_path / "client", trusting, job) as trial:
        ended = trial.wait(PATIENCE)
    assert not ended.succeeded
    assert "the arguments were signed for another task" in ended.stderr
