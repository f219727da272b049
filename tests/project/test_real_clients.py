"""Unmodified BOINC clients attach, are given signed code, run real tasks and bring results back."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from pymw.project.outcomes import Failure, Success
from pymw.project.project import Project
from pymw.project.states import ABORTED_BY_PROJECT, ErrorMask
from pymw.project.volunteer import Volunteer
from pymw_packager.client_process import free_port

from tests.bench.packages import Packages, log_facts, value_in
from tests.client import jobs
from tests.project import tasks, work
from tests.project.conftest import Lab
from tests.project.proxy import Proxy
from tests.project.server import Server, wait_for


@pytest.fixture(scope="module")
def busy_lab(shared_lab: Lab) -> Lab:
    """The shared lab with workunits for several tests, which its clients do side by side."""
    project = shared_lab.project
    project.submit(
        [
            work.workunit(project, "one", jobs.total, [20, 22]),
            work.workunit(project, "both", tasks.rest, 2, target_nresults=2, min_quorum=2),
            work.workunit(project, "dies", jobs.vanish, 7, max_error_results=0),
        ]
    )
    return shared_lab


def test_a_client_attaches_and_brings_back_a_result(busy_lab: Lab) -> None:
    finished = work.outcome(busy_lab.project, "one", 60, busy_lab.tell)
    assert isinstance(finished.outcome, Success)
    assert value_in(finished.outcome.files["pymw_result"]) == 42
    assert "Linux" in log_facts(finished.outcome.files["pymw_log"])["platform"]
    assert finished.outcome.by.platform == "x86_64-pc-linux-gnu"


def test_two_clients_compute_the_same_and_agree(busy_lab: Lab) -> None:
    finished = work.outcome(busy_lab.project, "both", 90, busy_lab.tell)
    assert isinstance(finished.outcome, Success)
    assert value_in(finished.outcome.files["pymw_result"]) == 2
    hosts = busy_lab.project.hosts()
    assert len(hosts) == 2, "each client is a computer"
    assert all(host.credit > 0 for host in hosts), "both results were valid"


def test_a_task_that_dies_fails_the_workunit_and_says_why(busy_lab: Lab) -> None:
    finished = work.outcome(busy_lab.project, "dies", 90, busy_lab.tell)
    assert isinstance(finished.outcome, Failure)
    assert finished.outcome.mask == ErrorMask.TOO_MANY_ERRORS
    (attempt,) = finished.outcome.attempts
    assert attempt.exit_status == 195
    assert "exit" in attempt.stderr


def test_a_cancelled_task_is_stopped_in_the_client(shared_lab: Lab) -> None:
    project = shared_lab.project
    project.submit([work.workunit(project, "endless", jobs.count, 1000, 0.1, batch="sweep")])

    def running() -> bool:
        tasks = [client.tasks() for client in shared_lab.clients]
        return any("name: endless_0\n" in each and "EXECUTING" in each for each in tasks)

    wait_for(running, 60, "the task to run", shared_lab.tell)
    assert project.state_of(["endless"])["endless"].state == "in progress"
    assert project.cancel(batch="sweep") == 1
    finished = work.outcome(project, "endless", 5, shared_lab.tell)
    assert isinstance(finished.outcome, Failure)
    assert finished.outcome.mask == ErrorMask.CANCELLED

    def stopped() -> bool:
        return project.counts().results_in_progress == 0

    wait_for(stopped, 60, "the client to report", shared_lab.tell)
    finished = work.outcome(project, "endless", 5, shared_lab.tell)
    assert isinstance(finished.outcome, Failure)
    assert [each.exit_status for each in finished.outcome.attempts] == [ABORTED_BY_PROJECT]


def test_a_killed_server_goes_on_where_it_was(lab: Lab) -> None:
    project = lab.project
    project.submit([work.workunit(project, f"rest_{i}", tasks.rest, 6) for i in range(2)])
    client = lab.add_client(ncpus=2)
    wait_for(lambda: "EXECUTING" in client.tasks(), 60, "a task to run", lab.tell)
    lab.server.kill()
    wait_for(lambda: "upload" in client.tasks(), 60, "the tasks to end", lab.tell)
    lab.server.start()
    for i in range(2):
        finished = work.outcome(project, f"rest_{i}", 60, lab.tell)
        assert isinstance(finished.outcome, Success)
        assert value_in(finished.outcome.files["pymw_result"]) == 6
    counts = project.counts()
    assert (counts.hosts, counts.succeeded, counts.results_over) == (1, 2, 2)
    assert lab.server.stop() == 0


def test_an_upload_that_broke_goes_on_where_it_was(
    make_lab: Callable[[int], AbstractContextManager[Lab]],
) -> None:
    server_port = free_port()
    with closing(Proxy(server_port, cut=1_500_000)) as proxy, make_lab(proxy.port) as lab:
        lab.server.kill()
        lab.server = Server(lab.project.folder, server_port)
        lab.server.start()
        project = lab.project
        project.submit([work.workunit(project, "large", tasks.large, 3_200_000)])
        lab.add_client()
        finished = work.outcome(project, "large", 90, lab.tell)
        assert isinstance(finished.outcome, Success)
        assert len(value_in(finished.outcome.files["pymw_result"])) == 3_200_000
        resumed = [offset for offset in proxy.offsets if offset]
        assert resumed and 1_000_000 < resumed[0] < 3_200_000, proxy.offsets


def test_a_volunteer_makes_an_account_and_attaches_with_tls(
    boinc_client: None, packages: Packages, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    port = free_port()
    url = f"https://127.0.0.1:{port}/pymw/"
    chain, key = certificate
    with Project.create(tmp_path / "lab", name="Lab", url=url, next_rpc_delay=2, unsigned=True) as project:
        project.add_version(packages.get("x86_64-pc-linux-gnu", "none"))
        project.submit([work.workunit(project, "one", jobs.total, [20, 22])])
        server = Server(project.folder, port, "--certificate", str(chain), "--key", str(key))
        client = Volunteer(tmp_path / "client", url, "")
        (client.folder / "ca-bundle.crt").write_bytes(chain.read_bytes())
        try:
            server.start()
            client.start()
            person = ("v@example.org", "a password")
            made = client.answer("--create_account", url, *person, "A volunteer") or ""
            found = client.answer("--lookup_account", url, *person) or ""
            account = found.partition("account key: ")[2].strip()
            assert len(account) == 32 and account in made
            assert client.answer("--project_attach", url, account) is not None
            finished = work.outcome(project, "one", 90, client.log)
            assert isinstance(finished.outcome, Success)
            (host,) = project.hosts()
            assert host.account == "A volunteer"
        finally:
            client.stop(10)
            server.kill()
