"""TASK_DIR as its two sides use it: journals, batches, bundles."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pymw.boinc.backend import Ended
from pymw.errors import ProjectError
from pymw.server.task_folder import BUNDLES, JOURNAL, LOCK, Batch, TaskFolder, batch_of, line_of

ENDED = some.builds(
    Ended,
    name=some.from_regex(r"pymw_01_[0-9a-z]{1,8}", fullmatch=True),
    result=some.none(),
    log=some.none(),
    reason=some.text(),
    exit_status=some.none() | some.integers(-(2**31), 2**31),
    stderr=some.text(),
    cancelled=some.booleans(),
    by=some.dictionaries(some.text(), some.text()),
)


@pytest.fixture
def tasks(tmp_path: Path) -> TaskFolder:
    """An empty TASK_DIR."""
    folder = TaskFolder(tmp_path / "tasks")
    folder.make()
    return folder


@given(job=ENDED)
def test_a_line_is_one_line_and_says_what_it_was_made_of(job: Ended) -> None:
    line = line_of(job)
    assert line.endswith(b"\n")
    assert len(line.splitlines()) == 1
    assert Batch(Path("pymw_01"))._ended(line.rstrip()) == job


def test_the_files_of_a_success_are_named_by_its_job(tasks: TaskFolder) -> None:
    batch = tasks.create("b")
    batch.record([line_of(Ended("b_1", Path("any"), Path("any"))), line_of(Ended("b_2", Path("any")))])
    folder = batch.folder
    assert batch.news() == [
        Ended("b_1", folder / "b_1.result", folder / "b_1.log"),
        Ended("b_2", folder / "b_2.result"),
    ]


def test_news_come_once_and_the_first_line_of_a_job_counts(tasks: TaskFolder) -> None:
    batch = tasks.create("b")
    assert batch.news() == []
    batch.record([line_of(Ended("b_1", reason="first")), line_of(Ended("b_2"))])
    assert [(each.name, each.reason) for each in batch.news()] == [("b_1", "first"), ("b_2", "")]
    batch.record([line_of(Ended("b_1", reason="second")), line_of(Ended("b_3"))])
    assert [each.name for each in batch.news()] == ["b_3"]
    assert batch.recorded() == {"b_1", "b_2", "b_3"}


def test_however_a_line_is_cut_the_next_one_is_read(tasks: TaskFolder) -> None:
    cut, whole = line_of(Ended("b_1", stderr='"\\\n}')), line_of(Ended("b_2"))
    for length in range(len(cut)):
        tasks.remove("b", print)
        batch = tasks.create("b")
        (batch.folder / JOURNAL).write_bytes(cut[:length])
        assert batch.news() == []
        assert batch.recorded() == set()
        batch.record([whole, cut])
        found = [each.name for each in batch.news()]
        assert found in (["b_2", "b_1"], ["b_1", "b_2"])  # the latter if only the end of the line was cut


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"3", b"null", b"{}", b'{"name": "b_1"}', b"\xff\x00", b'{"name": "b_1", "resu']
)
def test_a_line_that_is_none_is_passed_over(tasks: TaskFolder, line: bytes) -> None:
    batch = tasks.create("b")
    (batch.folder / JOURNAL).write_bytes(line + b"\n")
    batch.record([line_of(Ended("b_2"))])
    assert [each.name for each in batch.news()] == ["b_2"]


@pytest.mark.parametrize(
    "change",
    [{"name": 3}, {"name": "../b_1"}, {"reason": None}, {"by": []}, {"by": {"host": 3}}, {"stderr": 1}],
)
def test_a_line_with_something_else_than_it_should_have_is_passed_over(
    tasks: TaskFolder, change: dict[str, object]
) -> None:
    batch = tasks.create("b")
    line = json.dumps({**json.loads(line_of(Ended("b_1"))), **change})
    (batch.folder / JOURNAL).write_text(line + "\n")
    assert batch.news() == []


def test_several_writers_and_a_reader_do_not_disturb_each_other(tasks: TaskFolder) -> None:
    batch = tasks.create("b")

    def write(writer: int) -> None:
        for number in range(50):
            batch.record([line_of(Ended(f"b_{writer}x{number}x{at}", stderr="s" * 300)) for at in range(20)])

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    found: list[str] = []
    reader = tasks.batch("b")
    while any(writer.is_alive() for writer in writers) or len(found) < 3000:
        found += [each.name for each in reader.news()]
        if not any(writer.is_alive() for writer in writers):
            found += [each.name for each in reader.news()]
            break
    for writer in writers:
        writer.join()
    assert len(found) == len(set(found)) == 3000


def test_a_journal_that_is_a_link_is_not_written_through(tasks: TaskFolder, tmp_path: Path) -> None:
    batch = tasks.create("b")
    (tmp_path / "precious").write_text("precious")
    (batch.folder / JOURNAL).symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        batch.record([line_of(Ended("b_1"))])
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_batch_that_is_removed_is_gone_with_all_in_it(tasks: TaskFolder) -> None:
    batch, dropped = tasks.create("b"), list[str]()
    assert batch.exists()
    batch.record([line_of(Ended("b_1"))])
    tasks.remove("b", dropped.append)
    assert not batch.exists()
    assert [path.name for path in tasks.path.iterdir()] == [LOCK]
    with pytest.raises(FileNotFoundError):
        batch.record([line_of(Ended("b_2"))])
    tasks.remove("b", dropped.append)
    assert dropped == []


def test_a_bundle_is_dropped_with_the_last_batch_that_needs_it(tasks: TaskFolder) -> None:
    dropped = list[str]()
    for batch, bundles in {"b": ("one", "two"), "c": ("two",)}.items():
        for bundle in bundles:
            (tasks.create(batch).folder / BUNDLES / bundle).touch()
    tasks.remove("b", dropped.append)
    assert dropped == ["one"]
    (tasks.path / "c").rename(tasks.path / ".removed-c")  # its program was killed here
    tasks.remove("d", dropped.append)
    assert dropped == ["one", "two"]


def test_a_batch_is_as_open_to_others_as_task_dir(tasks: TaskFolder) -> None:
    tasks.path.chmod(0o2775)
    batch = tasks.create("b")
    assert {oct(path.stat().st_mode & 0o7777) for path in (batch.folder, batch.folder / BUNDLES)} == {
        "0o2775"
    }


def test_a_place_where_something_else_is_mounted_is_no_task_dir(tasks: TaskFolder) -> None:
    tasks.check()
    (tasks.path / LOCK).unlink()
    with pytest.raises(ProjectError, match="is no folder that pymw_setup has made, or its file s"):
        tasks.check()
    with pytest.raises(ProjectError, match="cannot be read: Not a directory"):
        TaskFolder(Path(os.devnull)).check()
    with pytest.raises(ProjectError, match="cannot be made: "):
        TaskFolder(Path(os.devnull) / "x").make()


def test_a_batch_is_the_name_of_a_job_up_to_its_last_underscore() -> None:
    assert batch_of("pymw_0123_17") == "pymw_0123"
    assert batch_of("none") == ""
