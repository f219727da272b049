"""A real, unmodified BOINC client runs packaged tasks, on 64-bit Linux and on a 32-bit system."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymw_packager.client_folder import Job
from pymw_packager.trial import Trial
from pymw_worker import log, outcome

from tests.bench.chroot import Chroot
from tests.bench.packages import Packages, job_of, log_facts, value_in
from tests.client import jobs

Volunteer = Callable[[Job], Trial]


@pytest.fixture
def volunteer_64(boinc_client: None, packages: Packages, tmp_path: Path) -> Volunteer:
    """This machine, with an unpacked Python: the task's process is a fork of the worker."""
    app_version = packages.get("x86_64-pc-linux-gnu", prefer="embedded")
    return lambda job: Trial(tmp_path / "client", app_version, job)


@pytest.fixture
def volunteer_32(boinc_client: None, chroot: Chroot, packages: Packages, chroot_folder: Path) -> Volunteer:
    """A 32-bit system with its own client and its own Python."""
    app_version = packages.get("i686-pc-linux-gnu", "none")
    folder = chroot_folder / "client"
    return lambda job: Trial(folder, app_version, job, chroot.prefix(folder))


@pytest.fixture(params=["volunteer_64", "volunteer_32"])
def volunteer(request: pytest.FixtureRequest) -> Iterator[Volunteer]:
    yield request.getfixturevalue(request.param)


def test_the_value_comes_back_and_the_log_says_where_it_was_computed(volunteer: Volunteer) -> None:
    with volunteer(job_of(jobs.total, [20, 22])) as trial:
        ended = trial.wait(60)
    assert ended.succeeded, ended.stderr
    assert value_in(ended.outputs["pymw_result"]) == 42
    facts = log_facts(ended.outputs["pymw_log"])
    assert facts["python"].startswith("3.")
    assert "Linux" in facts["platform"]


def test_an_exception_of_the_function_is_a_result_and_a_success(
    volunteer: Volunteer,
) -> None:
    with volunteer(job_of(jobs.refuse, "cake")) as trial:
        ended = trial.wait(60)
    assert ended.succeeded, ended.stderr
    what = outcome.read(str(ended.outputs["pymw_result"]))
    assert (what.status, what.type, what.message) == (outcome.EXCEPTION, "ValueError", "no cake today")
    assert "in refuse" in log.read(str(ended.outputs["pymw_log"])).traceback


@pytest.mark.fault("exits with another status")
def test_a_task_whose_process_dies_is_an_error_with_its_reason_in_stderr(volunteer: Volunteer) -> None:
    with volunteer(job_of(jobs.vanish, 7)) as trial:
        ended = trial.wait(60)
    assert (ended.state, ended.exit_status) == ("compute error", 195)
    assert "7" in ended.stderr and "exit" in ended.stderr


@pytest.mark.fault("suspended and resumed")
def test_a_suspended_task_makes_no_progress_and_ends_when_resumed(volunteer_64: Volunteer) -> None:
    with volunteer_64(job_of(jobs.count, 20, 0.2)) as trial:
        trial.wait_for(lambda: trial.status().fraction_done > 0, 30, "report progress")
        trial.suspend()
        trial.wait_for(lambda: trial.status().activity == "SUSPENDED", 10, "suspend the task")
        time.sleep(1.5)  # a report that was on its way arrives: the client reads one a second
        before = trial.status().fraction_done
        time.sleep(5)  # more than all that is left of the task would take
        assert trial.status().fraction_done == before < 1
        trial.resume()
        ended = trial.wait(60)
    assert ended.succeeded, ended.stderr
    assert value_in(ended.outputs["pymw_result"]) == sum(range(20))


@pytest.mark.fault("aborted")
def test_an_aborted_task_ends_at_once_as_aborted(volunteer: Volunteer) -> None:
    with volunteer(job_of(jobs.count, 1000, 0.1)) as trial:
        trial.wait_for(lambda: trial.status().fraction_done > 0, 30, "report progress")
        trial.abort()
        asked = time.monotonic()
        trial.wait_for(lambda: trial.status().over, 20, "abort the task")
        assert time.monotonic() - asked < 15  # a client kills what does not obey only after 60 s
        ended = trial.wait(10)
    assert (ended.state, ended.exit_status) == ("aborted", 203)


@pytest.mark.fault(
    "the client is restarted", "quit, and resumed from a checkpoint", "a stale temporary-exit file"
)
def test_a_task_goes_on_from_its_checkpoint_when_the_client_starts_again(volunteer_32: Volunteer) -> None:
    """On a 64-bit system the client even crashes: test_client_faults.py."""
    with volunteer_32(job_of(jobs.count_with_checkpoints, 12, 0.5)) as trial:
        trial.wait_for(lambda: trial.status().checkpoint_cpu_seconds > 0, 60, "see a checkpoint")
        trial.stop()
        (trial.folder / "slots" / "0" / "boinc_temporary_exit").write_text("600\nan earlier run\n")
        trial.start()
        ended = trial.wait(90)
    assert ended.succeeded, ended.stderr
    done, starts = value_in(ended.outputs["pymw_result"])
    assert done == sum(range(12))
    assert len(starts) == 2 and 0 == starts[0] < starts[1]
    assert log_facts(ended.outputs["pymw_log"])["restarts"] == "1"
