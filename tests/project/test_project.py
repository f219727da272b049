"""What a master can do with a project: also while the server runs, and again after it was killed."""

import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymw.errors import ProjectConflict, ProjectError
from pymw.project import app, staging
from pymw.project.jobs import Input, Output, Workunit
from pymw.project.outcomes import Failure, Success
from pymw.project.project import Project
from pymw.project.states import ErrorMask, Outcome

from tests.bench.packages import Packages
from tests.project.played import Played

Play = Callable[..., Played]
Submit = Callable[..., Workunit]


def test_a_project_is_made_once_and_opened_again(project: Project) -> None:
    with Project.open(project.folder) as again:
        assert again.settings == project.settings
        assert again.owner_key() == project.owner_key()
    with pytest.raises(ProjectConflict, match="not empty"):
        Project.create(project.folder, name="x", url="http://127.0.0.1/x/")


def test_what_is_no_project_is_told_in_a_sentence(tmp_path: Path, project: Project) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "project.sqlite").write_text("text")
    (tmp_path / "other" / "pymw_project.toml").write_bytes(
        (project.folder / "pymw_project.toml").read_bytes()
    )
    for name in ("absent", "empty", "other"):
        with pytest.raises(ProjectError, match=name):
            Project.open(tmp_path / name)
    settings = project.folder / "pymw_project.toml"
    for text in ("name = 1", 'name = "x"', 'name = "x"\nurl = "http://localhost/"', "unknown = 1", "= x"):
        settings.write_text(text)
        with pytest.raises(ProjectError, match=r"pymw_project\.toml"):
            Project.open(project.folder)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://192.0.2.7:8080/pymw", "http://192.0.2.7:8080/pymw/"),
        ("HTTPS://Lab.Example.ORG//a//b/", "https://lab.example.org/a/b/"),
        ("http://127.0.0.1", "http://127.0.0.1/"),
        ("http://localhost:8080/", None),
        ("ftp://192.0.2.7/", None),
        ("http://192.0.2.7/?x=1", None),
        ("http://192.0.2.7/../x/", None),
        ("http://192.0.2.7:x/", None),
        ("nonsense", None),
    ],
)
def test_only_urls_that_clients_take_are_taken(tmp_path: Path, url: str, normal: str | None) -> None:
    if normal is None:
        with pytest.raises(ProjectError):
            Project.create(tmp_path / "made", name="x", url=url)
        assert not (tmp_path / "made").exists()
    else:
        with Project.create(tmp_path / "made", name="x", url=url) as made:
            assert made.settings.url == normal


def test_equal_files_are_one_and_a_file_may_be_a_path(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    names = [project.stage(b"content", "data"), project.stage(tmp_path / "file", "data")]
    assert names[0] == names[1] != project.stage(b"other", "data")
    (path,) = project.folder.glob(f"download/*/{names[0]}")
    assert path.read_bytes() == b"content"
    assert not list(project.folder.glob("download/*/*.tmp"))
    for kind in ("", "../x", "A", "a" * 40):
        with pytest.raises(ProjectError, match="kind"):
            project.stage(b"", kind)


def test_submitting_again_is_no_error_and_another_content_is(project: Project, submit: Submit) -> None:
    workunit = submit()
    assert project.submit([workunit]) == 0
    with pytest.raises(ProjectConflict, match="wu"):
        submit(command_line="--python 3.11")
    assert project.counts().workunits == 1


def test_a_submission_is_all_or_nothing(project: Project, submit: Submit) -> None:
    good = submit()
    bad = Workunit(name="bad", inputs=(Input("bundle_absent", "x"),))
    with pytest.raises(ProjectError, match="not staged"):
        project.submit([Workunit(name="new", inputs=good.inputs), bad])
    assert project.state_of(["wu", "new", "bad"]).keys() == {"wu"}


@pytest.mark.parametrize(
    "about",
    [
        {"name": "../x"},
        {"name": "a b"},
        {"name": "x" * 200},
        {"command_line": "a\nb"},
        {"min_quorum": 3},
        {"target_nresults": 11},
        {"max_nbytes": 0},
        {"delay_bound": float("nan")},
        {"outputs": ()},
        {"outputs": (Output("a", validated=False),)},
        {"outputs": (Output("a"), Output("a"))},
        {"inputs": (Input("bundle_x", "../a"),)},
    ],
)
def test_what_no_client_could_take_is_refused(project: Project, about: dict[str, object]) -> None:
    with pytest.raises(ProjectError):
        project.submit([Workunit(**{"name": "x", "inputs": (), **about})])  # type: ignore[arg-type]


def test_an_app_version_is_added_once_and_never_changed(
    project: Project, packages: Packages, tmp_path: Path
) -> None:
    folder = packages.get("x86_64-pc-linux-gnu", "none")
    assert [project.add_version(folder), project.add_version(folder)] == [True, False]
    (launcher,) = project.folder.glob("download/*/pymw_1.04_x86_64-pc-linux-gnu")
    assert launcher.stat().st_mode & stat.S_IXUSR
    with pytest.raises(ProjectError):
        project.add_version(tmp_path)
    launcher.write_bytes(b"another build")
    with project._writing() as db:
        db.execute("DELETE FROM app_version")
    with pytest.raises(ProjectConflict, match="higher --app-version"):
        project.add_version(folder)


def test_a_forgotten_batch_leaves_nothing(
    project: Project, play: Play, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "GRACE", -1.0)
    submit("one", batch="b")
    submit("two", batch="b")
    other = submit("other", batch="c")
    mine = Input(project.stage(b"only of b", "data"), "data")
    project.submit([Workunit(name="three", inputs=(mine,), batch="b")])
    client = play()
    client.ask(1)
    client.finish("one_0")
    client.ask(0)
    with pytest.raises(ProjectError, match="not over"):
        project.forget("b")
    assert project.cancel(batch="b") == 2
    assert project.forget("b") == 3
    assert not [path for path in project.folder.glob("upload/*/*") if path.is_file()]
    assert not list(project.folder.glob(f"download/*/{mine.file}"))
    assert list(project.folder.glob(f"download/*/{other.inputs[0].file}"))
    assert project.state_of(["one", "two", "three", "other"]).keys() == {"other"}
    assert project.finished_since(0) == []


def test_a_cancelled_workunit_is_news_to_a_thread_that_waits(project: Project, submit: Submit) -> None:
    submit()
    timer = threading.Timer(0.2, project.cancel, [["wu"]])
    timer.start()
    assert project.wait_for_news(0, 10)
    timer.join()


def test_progress_and_counts_say_where_everything_is(project: Project, play: Play, submit: Submit) -> None:
    for name in ("unsent", "running", "success", "failure"):
        submit(name)
    project.cancel(["failure"])
    client = play()
    client.ask(lose=True)
    states = project.state_of(["unsent", "running", "success", "failure", "unknown"])
    assert {name: each.state for name, each in states.items()} == {
        "unsent": "in progress",
        "running": "in progress",
        "success": "in progress",
        "failure": "failure",
    }
    client.ask()
    client.finish("success_0")
    client.ask(0)
    assert project.state_of(["success"])["success"].state == "success"
    counts = project.counts()
    assert (counts.workunits, counts.succeeded, counts.failed, counts.hosts) == (4, 1, 1, 1)
    assert (counts.results_unsent, counts.results_in_progress, counts.results_over) == (0, 2, 2)
    (host,) = project.hosts()
    assert (host.account, host.platform, host.in_progress) == ("owner", "x86_64-pc-linux-gnu", 2)


class TestTime:
    """Deadlines, with a clock that runs."""

    @pytest.fixture
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
        monkeypatch.setattr(app, "TIDY_SECONDS", 0.1)
        url = "http://127.0.0.1:8080/pymw/"
        with Project.create(tmp_path / "lab", name="Lab", url=url, deadline_grace=0.1, unsigned=True) as made:
            yield made

    def test_a_late_report_is_taken_and_its_replacement_is_not_needed(
        self, project: Project, play: Play, submit: Submit
    ) -> None:
        submit(delay_bound=0.3)
        late, other = play(), play()
        late.ask()
        until = time.monotonic() + 10
        while not other.tasks and time.monotonic() < until:
            other.ask()
            time.sleep(0.1)
        assert list(other.tasks) == ["wu_1"]
        late.finish("wu_0")
        late.ask(0)
        (finished,) = project.finished_since(0)
        assert isinstance(finished.outcome, Success)
        assert (finished.outcome.by.name, finished.outcome.by.outcome) == ("wu_0", Outcome.SUCCESS)
        assert other.ask(0).names("result_abort_if_not_started") == ["wu_1"]

    def test_a_retry_that_nobody_may_take_ends_as_could_not_send(
        self, project: Project, play: Play, submit: Submit
    ) -> None:
        submit(delay_bound=0.5)
        client = play()
        client.ask()
        client.fail("wu_0", 206)
        client.ask()
        assert project.wait_for_news(0, 10)
        (finished,) = project.finished_since(0)
        assert isinstance(finished.outcome, Failure)
        assert finished.outcome.mask == ErrorMask.COULDNT_SEND
        assert [attempt.exit_status for attempt in finished.outcome.attempts] == [206]


class TestStrangers:
    """A project whose volunteers check each other's results."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Iterator[Project]:
        url = "http://127.0.0.1:8080/pymw/"
        about: dict[str, Any] = {"name": "Lab", "url": url, "one_result_per_account": True, "unsigned": True}
        with Project.create(tmp_path / "lab", **about) as made:
            yield made

    def test_an_account_gets_one_result_of_a_workunit(
        self, project: Project, http: httpx.Client, play: Play, submit: Submit
    ) -> None:
        submit(target_nresults=2, min_quorum=2)
        one, same = play(), play()
        assert [client.ask().names("result") for client in (one, same)] == [["wu_0"], []]
        about = {"email_addr": "v@example.org", "passwd_hash": "0" * 32}
        key = http.get("/pymw/create_account.php", params=about).text.split("authenticator>")[1][:32]
        assert Played(http, key, "other").ask().names("result") == ["wu_1"]


def test_a_computer_with_too_little_memory_does_not_get_a_task(play: Play, submit: Submit) -> None:
    submit("large", memory_bound=1e12)
    submit("small")
    client = play()
    client.ask()
    assert list(client.tasks) == ["small_0"]
