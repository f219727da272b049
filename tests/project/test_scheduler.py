"""The scheduler's replies, to clients that are played."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pymw.project.jobs import Workunit
from pymw.project.outcomes import Failure, Success
from pymw.project.project import Project
from pymw.project.states import ErrorMask, Outcome

from tests.project.played import Played, Reply, Task

DATA = Path(__file__).parent / "data"
Play = Callable[..., Played]
Submit = Callable[..., Workunit]


def only(project: Project) -> Success | Failure:
    (finished,) = project.finished_since(0)
    return finished.outcome


def test_a_first_contact_gets_an_identity_and_the_key_once(project: Project, play: Play) -> None:
    client = play()
    first = client.ask(0)
    assert (first.value("hostid"), len(first.blocks("code_sign_key"))) == ("1", 1)
    assert first.value("next_rpc_delay") == "5"
    second = client.ask(0)
    assert (second.value("hostid"), second.blocks("code_sign_key")) == ("", [])


def test_a_task_goes_out_comes_back_and_is_news(project: Project, play: Play, submit: Submit) -> None:
    submit()
    client = play()
    reply = client.ask()
    assert [task.name for task in client.tasks.values()] == ["wu_0"]
    assert reply.value("command_line") == ""
    assert "<report_immediately/>" in reply.text
    client.finish("wu_0", b"forty-two")
    assert client.ask(0).names("result_ack") == ["wu_0"]
    outcome = only(project)
    assert isinstance(outcome, Success)
    assert outcome.files["pymw_result"].read_bytes() == b"forty-two"
    assert outcome.files["pymw_log"].read_bytes() == b"log"
    assert (outcome.by.host, outcome.by.exit_status, outcome.by.elapsed) == (1, 0, 2.0)


def test_everything_may_be_said_twice(project: Project, play: Play, submit: Submit) -> None:
    submit(target_nresults=2, min_quorum=2)
    one, two = play(), play()
    for client in (one, two):
        client.ask()
        (name,) = client.tasks
        client.finish(name)
    for client in (one, two, one):
        client.ask(0)
        for _ in range(2):
            assert client.http.post("/pymw/cgi", content=client.last).status_code == 200
    assert isinstance(only(project), Success)
    assert project.counts().results_over == 2


def test_no_computer_gets_two_results_of_a_workunit(project: Project, play: Play, submit: Submit) -> None:
    submit(target_nresults=3, min_quorum=2)
    client = play(ncpus=4)
    for _ in range(3):
        client.ask()
    assert list(client.tasks) == ["wu_0"]
    other = play()
    other.ask()
    assert list(other.tasks) == ["wu_1"]


def test_replicas_that_differ_are_decided_by_a_third(project: Project, play: Play, submit: Submit) -> None:
    submit(target_nresults=2, min_quorum=2)
    for value in (b"right", b"wrong", b"right"):
        client = play()
        client.ask()
        (name,) = client.tasks
        client.finish(name, value, log=value + b" of " + client.cpid.encode())
        client.ask(0)
    outcome = only(project)
    assert isinstance(outcome, Success)
    assert outcome.files["pymw_result"].read_bytes() == b"right"
    credits = {host.id: host.credit for host in project.hosts()}
    assert credits[1] == credits[3] > 0 == credits[2]


def test_a_task_s_own_errors_end_the_workunit_and_are_told(
    project: Project, play: Play, submit: Submit
) -> None:
    submit(max_error_results=1)
    for number in range(2):
        client = play()
        client.ask()
        client.fail(f"wu_{number}", 3)
        client.ask(0)
    outcome = only(project)
    assert isinstance(outcome, Failure)
    assert outcome.mask == ErrorMask.TOO_MANY_ERRORS
    assert [(each.exit_status, each.host) for each in outcome.attempts] == [(3, 1), (3, 2)]
    assert all("words" in each.stderr for each in outcome.attempts)


def test_a_computer_s_error_sends_the_task_elsewhere_under_new_names(
    project: Project, play: Play, submit: Submit
) -> None:
    submit(max_error_results=0)
    one, two = play(), play()
    one.ask()
    names = set(one.tasks["wu_0"].outputs)
    one.fail("wu_0", 206)
    one.ask()
    assert one.tasks == {}
    two.ask()
    assert list(two.tasks) == ["wu_1"]
    assert not names & set(two.tasks["wu_1"].outputs)


@pytest.mark.parametrize("what", ["missing", "other bytes", "refused"])
def test_a_success_whose_output_is_not_there_is_none(
    project: Project, play: Play, submit: Submit, what: str
) -> None:
    submit()
    client = play()
    client.ask()
    client.finish("wu_0", upload=what != "missing")
    if what == "other bytes":
        client.done = [client.done[0].replace("<nbytes>5.0", "<nbytes>6.0")]
    elif what == "refused":
        client.done = [client.done[0].replace("</md5_cksum>", "</md5_cksum>\n<error_msg>no</error_msg>", 1)]
    client.ask(0)
    assert project.finished_since(0) == []
    other = play()
    other.ask()
    assert list(other.tasks) == ["wu_1"]


def test_a_lost_reply_costs_nothing(project: Project, play: Play, submit: Submit) -> None:
    submit()
    client = play()
    client.ask(0)
    lost = client.ask(lose=True)
    assert lost.names("result") == ["wu_0"]
    again = client.ask()
    assert "Resent lost task wu_0" in again.text
    assert lost.tasks()[0].outputs.keys() == again.tasks()[0].outputs.keys()
    client.finish("wu_0")
    client.ask(0)
    assert isinstance(only(project), Success)


def test_a_lost_first_reply_makes_no_second_computer(project: Project, play: Play, submit: Submit) -> None:
    submit()
    client = play()
    client.ask(lose=True)
    client.ask()
    assert list(client.tasks) == ["wu_0"]
    assert len(project.hosts()) == 1


def test_a_copied_folder_becomes_another_computer(project: Project, play: Play) -> None:
    client = play()
    client.ask(0)
    for _ in range(3):
        client.ask(0)
    client.seqno = 1
    assert client.ask(0).value("hostid") == "2"
    client.hostid = 77
    assert client.ask(0).value("hostid") == "3"


def test_cancelled_tasks_are_aborted_and_no_longer_needed_ones_only_if_not_started(
    project: Project, play: Play, submit: Submit
) -> None:
    submit("cancelled")
    submit("enough", target_nresults=2, min_quorum=1)
    one, two = play(ncpus=2), play()
    one.ask()
    two.ask()
    assert (set(one.tasks), set(two.tasks)) == ({"cancelled_0", "enough_0"}, {"enough_1"})
    project.cancel(["cancelled"])
    two.finish("enough_1")
    two.ask(0)
    reply = one.ask(0)
    assert reply.names("result_abort") == ["cancelled_0"]
    assert reply.names("result_abort_if_not_started") == ["enough_0"]
    one.ask(0)
    assert {finished.name for finished in project.finished_since(0)} == {"cancelled", "enough"}


def test_what_the_server_does_not_know_is_aborted_and_acknowledged(project: Project, play: Play) -> None:
    client = play()
    client.ask(0)
    client.tasks["stranger_0"] = Task("stranger_0", "stranger")
    assert client.ask(0).names("result_abort") == ["stranger_0"]
    assert client.ask(0).names("result_ack") == ["stranger_0"]


def test_a_wrong_key_gets_a_message_and_nothing_else(project: Project, play: Play, submit: Submit) -> None:
    submit()
    client = play()
    client.key = "0" * 32
    reply = client.ask()
    assert "Invalid or missing account key" in reply.text
    assert (reply.value("request_delay"), reply.names("result")) == ("3600", [])
    assert project.hosts() == []


def test_a_client_with_another_key_is_told_and_gets_no_work(play: Play, submit: Submit) -> None:
    submit()
    client = play()
    client.code_sign_key = "another project's key"
    reply = client.ask()
    assert "key has changed" in reply.text
    assert (reply.names("result"), reply.blocks("code_sign_key")) == ([], [])


def test_a_platform_without_an_application_is_told_so(project: Project, play: Play, submit: Submit) -> None:
    submit()
    reply = play(platforms=("vax-dec-vms",)).ask()
    assert "no application for computers of type vax-dec-vms" in reply.text
    other = play(platforms=("windows_arm64", "x86_64-pc-linux-gnu"))
    assert other.ask().value("platform") == "x86_64-pc-linux-gnu"


def test_work_is_given_for_the_time_that_is_asked_for_within_limits(
    project: Project, play: Play, submit: Submit
) -> None:
    for number in range(300):
        submit(f"wu{number:03}", rsc_fpops_est=10e9)  # ten seconds each
    client = play()
    assert len(client.ask(1).names("result")) == 1
    assert len(client.ask(35).names("result")) == 4
    assert len(client.ask(0).names("result")) == 0
    client.ask(1e9)
    assert len(client.tasks) == 100, "max_in_progress"


def test_sticky_files_go_when_nothing_uses_them(project: Project, play: Play, submit: Submit) -> None:
    workunit = submit(batch="b")
    client = play()
    known = workunit.inputs[0].file
    extra = "".join(
        f"<file_info>\n<name>{name}</name>\n<status>1</status>\n</file_info>\n"
        for name in (known, "bundle_0")
    )
    assert client.ask(0, extra).values("delete_file_info") == ["bundle_0"]


def test_a_computer_that_is_wrong_again_and_again_has_to_wait(
    project: Project, play: Play, submit: Submit
) -> None:
    for number in range(20):
        submit(f"wu{number:02}", max_total_results=2)
    client = play()
    failed = 0
    for _ in range(20):
        client.ask(1)
        for name in list(client.tasks):
            client.fail(name, -185)
            failed += 1
    assert 5 <= failed <= 8
    (host,) = project.hosts()
    assert host.errors == failed


def test_a_computer_that_makes_results_up_has_to_wait_too(
    project: Project, play: Play, submit: Submit
) -> None:
    for number in range(12):
        submit(f"wu{number:02}", target_nresults=3, min_quorum=2)
    one, other, liar = play(), play(), play()
    for client in (one, other):
        client.ask()
    for name in list(one.tasks):
        one.finish(name, b"right")
    one.ask(0)
    lies = 0
    for _ in range(12):
        liar.ask(1)
        for name in list(liar.tasks):
            liar.finish(name, b"wrong")
            other.finish(name.replace("_2", "_1"), b"right")
            other.ask(0)
            lies += 1
    assert 5 <= lies <= 8
    assert {host.id: host.errors for host in project.hosts()} == {1: 0, 2: 0, 3: lies}


def test_the_replies_of_captured_clients_are_whole(project: Project, http: httpx.Client) -> None:
    for path in sorted(DATA.glob("*sched*.req")) + sorted(DATA.glob("m2*.req")):
        body = path.read_bytes().decode("latin-1")
        start = body.index("<authenticator>") + len("<authenticator>")
        body = body[:start] + project.owner_key() + body[body.index("</authenticator>") :]
        answer = http.post("/pymw/cgi", content=body.encode("latin-1"))
        assert answer.status_code == 200
        reply = Reply(answer.text)
        assert answer.text.startswith("<scheduler_reply>\n") and answer.text.endswith("</scheduler_reply>\n")
        assert reply.names("result_ack") == ["sp_small_1_0"] * ("b5" in path.name)


def test_news_wakes_a_master_that_waits(project: Project, play: Play, submit: Submit) -> None:
    submit()
    started = time.monotonic()
    assert not project.wait_for_news(0, 0.3)
    assert 0.25 < time.monotonic() - started < 2
    client = play()
    client.ask()
    client.finish("wu_0")
    client.ask(0)
    assert project.wait_for_news(0, 5)
    (finished,) = project.finished_since(0)
    assert not project.wait_for_news(finished.sequence, 0)
    assert isinstance(finished.outcome, Success) and finished.outcome.by.outcome == Outcome.SUCCESS
