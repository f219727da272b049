"""What goes into a line for create_work comes out of it, in a client, as it went in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymw.errors import ProjectError
from pymw.project.messages import Fields
from pymw.server import create_work

from tests.server.played_create_work import BUFFER, split
from tests.server.played_server import unescaped

TEMPLATES = ("templates/pymw_1_in", "templates/pymw_1_out")
ARGUMENTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200)


def line(command_line: str) -> bytes:
    return create_work.line("pymw_1_1", TEMPLATES, command_line, ("file",))


@given(ARGUMENTS)
def test_a_command_line_survives_the_line_the_statement_and_the_client(command_line: str) -> None:
    made = line(command_line)
    assert made.count(b"\n") == 1 and made.isascii()
    words = split(made.decode("ascii"))
    options = dict(zip(words[:-1:2], words[1:-1:2], strict=True))
    assert words[-1] == "file"
    assert options["--wu_name"] == "pymw_1_1" and options["--result_template"] == TEMPLATES[1]
    written = options.get("--command_line", "")
    # In a statement, nothing ends the text or is changed; in the reply to a client, nothing looks like a tag.
    assert not set(written) & set("'\"\\<")
    sent = Fields(f"<command_line>\n{written}\n</command_line>")["command_line"]
    assert unescaped(sent.removeprefix("\n").removesuffix("\n")) == (
        command_line if command_line.strip() else ""
    )


@given(st.lists(st.sampled_from("'\"\\<>&;#%\n \t\0x"), max_size=30).map("".join))
def test_nothing_special_is_left_in_an_escaped_command_line(command_line: str) -> None:
    escaped = create_work.escaped(command_line)
    assert unescaped(escaped) == command_line
    assert not set(escaped) & set("'\"\\<\n\t\0") and "&" not in escaped.replace("&#", "")


def test_a_line_is_as_long_as_create_work_s_buffer_allows() -> None:
    rest = len(line("x")) - 1
    assert len(line("x" * (create_work.LONGEST - rest))) == create_work.LONGEST == BUFFER - 2
    with pytest.raises(ProjectError, match="the command line of the workunit pymw_1_1 is too long"):
        line("x" * (create_work.LONGEST - rest + 1))


def test_it_is_run_in_its_project_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOINC_PROJECT_DIR", "/nowhere")
    _script(tmp_path, 'echo "$BOINC_PROJECT_DIR" "$PWD" "$@"; cat; exit 3')
    said = create_work.run(tmp_path, [b"a\n", b"b\n"])
    assert said == f"{tmp_path} {tmp_path} --appname pymw --stdin a b"


def test_what_it_says_nothing_about_has_its_status(tmp_path: Path) -> None:
    _script(tmp_path, "exit 7")
    assert create_work.run(tmp_path, []) == "exit status 7"


def test_a_program_that_cannot_be_run_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create_work, "dies_with_us", tuple)
    _script(tmp_path, "")
    (tmp_path / "bin" / "create_work").write_bytes(b"\x7fELF no program")
    with pytest.raises(ProjectError, match="create_work cannot be run"):
        create_work.run(tmp_path, [])


@pytest.mark.parametrize(
    ("said", "later"),
    [
        ("create_work: error opening database: database error", True),
        ("wu.insert_batch() failed: -1 MySQL error: Lost connection to MySQL server during query", True),
        ("wu.insert_batch() failed: -1 MySQL error: Deadlock found when trying to get lock", True),
        ("wu.insert_batch() failed: -1 MySQL error: You have an error in your SQL syntax", False),
        ("create_work: app not found", False),
    ],
)
def test_only_what_passes_is_tried_again(said: str, later: bool) -> None:
    assert create_work.may_work_later(said) is later


def test_boinc_s_way_to_split_a_line() -> None:
    assert split("a 'b c' \"d e\" f'g \t h") == ["a", "b c", "d e", "f'g", "h"]
    assert split('""a" b') == ['"a', "b"], "an empty word does not end"


def _script(project: Path, body: str) -> None:
    path = project / "bin" / "create_work"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
