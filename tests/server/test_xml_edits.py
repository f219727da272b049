"""Changes to config.xml and project.xml: what was there stays as it was, byte by byte, whatever its shape."""

from __future__ import annotations

import shlex
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape

import pymw_platforms
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymw.errors import ProjectError
from pymw.server.home import ASSIMILATOR
from pymw.server.setup import daemons, project_xml
from pymw.server.setup.daemons import BITWISE, TRIVIAL
from pymw.server.setup.xml_text import XmlText

from tests.server.config_shapes import EMPTY, MADE, SHAPES
from tests.server.made_project import DATA

TASKS = Path("/srv/tasks")


def given_to(data: bytes, folder: Path = TASKS, quorum: int | None = 1) -> tuple[bytes, list[str]]:
    text = XmlText(data, "config.xml")
    done = daemons.give(text, folder, quorum)
    return text.data, done


def commands(data: bytes) -> list[str]:
    return [(each.findtext("cmd") or "").strip() for each in ET.fromstring(data).findall("daemons/daemon")]


def everything(data: bytes) -> list[tuple[str, str]]:
    """All elements and comments in order, with their texts."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    root = ET.fromstring(data, parser=parser)
    return [(str(each.tag), (each.text or "").strip()) for each in root.iter()]


def is_kept(before: bytes, after: bytes) -> bool:
    """Whether `after` is `before` with something put in at one place."""
    start = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    return after.startswith(before[:start]) and after.endswith(before[start:]) and len(after) >= len(before)


def is_within(few: list[tuple[str, str]], many: list[tuple[str, str]]) -> bool:
    """Whether all of these are among those, in the same order."""
    remaining = iter(many)
    return all(each in remaining for each in few)


@pytest.mark.parametrize("shape", [*SHAPES, *EMPTY])
def test_daemons_come_into_every_shape_of_config_xml(shape: str) -> None:
    before = {**SHAPES, **EMPTY}[shape]
    after, done = given_to(before)
    had, has = commands(before), commands(after)
    assert has[: len(had)] == had and len(has) == len(set(has)) == len(had) + len(done)
    programs = {command.split()[0] for command in has}
    assert programs == {ASSIMILATOR, TRIVIAL, "feeder", "transitioner", "file_deleter"}
    assert f"{ASSIMILATOR} -d 3 --app pymw --sleep_interval 1 -p {TASKS}" in has
    assert is_within(everything(before), everything(after))
    assert (shape in EMPTY) != is_kept(before, after)
    if b"\r\n" in before:
        assert after.count(b"\r\n") == after.count(b"\n") > before.count(b"\n")
    else:
        assert b"\r" not in after
    if b"\n" not in before:
        assert b"\n" not in after
    assert given_to(after) == (after, [])


def test_what_is_written_looks_as_what_was_there() -> None:
    after, _ = given_to(MADE, quorum=2)
    new = f"""        <daemon>
            <cmd>{ASSIMILATOR} -d 3 --app pymw --sleep_interval 1 -p {TASKS}</cmd>
        </daemon>
        <daemon>
            <cmd>{BITWISE} -d 3 --app pymw --sleep_interval 1</cmd>
            <output>pymw_validator.log</output>
            <pid_file>pymw_validator.pid</pid_file>
        </daemon>
    </daemons>
"""
    assert after == MADE.replace(b"    </daemons>\n", new.encode())
    tabs, _ = given_to(EMPTY["with an empty daemons"].replace(b"  ", b"\t"), quorum=None)
    assert b"\n\t<daemons>\n\t\t<daemon>\n\t\t\t<cmd>pymw_assimilator" in tabs
    assert tabs.endswith(b"</daemon>\n\t</daemons>\n\t<tasks/>\n</boinc>\n")


def test_only_the_folder_of_an_assimilator_changes() -> None:
    command = "pymw_assimilator  -d 4 --one_pass -p '/old folder' --sleep_interval  9"
    before = MADE.replace(b"feeder -d 3 ", b"feeder</cmd></daemon><daemon><cmd>" + escape(command).encode())
    after, done = given_to(before, Path("/new & other"), quorum=None)
    assert after == before.replace(b"'/old folder'", b"'/new &amp; other'")
    assert done == ["pymw_assimilator now has /new & other"]
    assert daemons.with_folder("pymw_assimilator -d 3", TASKS) == f"pymw_assimilator -d 3 -p {TASKS}"


def test_a_validator_follows_the_quorum_and_the_projects_own_stays() -> None:
    trivial, _ = given_to(MADE, quorum=1)
    bitwise, done = given_to(trivial, quorum=3)
    assert bitwise == trivial.replace(TRIVIAL.encode(), BITWISE.encode())
    assert done == [f"{BITWISE} in the place of {TRIVIAL}"]
    assert given_to(bitwise, quorum=None) == (bitwise, [])
    own = MADE.replace(b"feeder -d 3 ", b"my_validator --app pymw")
    other = MADE.replace(b"feeder -d 3 ", b"sample_bitwise_validator --app other")
    assert BITWISE.encode() not in given_to(own, quorum=2)[0]
    assert f"{BITWISE} -d 3 --app pymw".encode() in given_to(other, quorum=2)[0]


def test_what_cannot_be_changed_safely_is_refused() -> None:
    entity = b'<!DOCTYPE boinc [<!ENTITY d "<daemons><daemon/></daemons>">]>\n<boinc>&d;</boinc>'
    with pytest.raises(ProjectError, match="cannot change safely"):
        given_to(entity)
    with pytest.raises(ProjectError, match="is no XML: mismatched tag"):
        given_to(b"<boinc><daemons></boinc>")
    with pytest.raises(ProjectError, match="UTF-16, which BOINC does not read"):
        given_to("<boinc/>".encode("utf-16"))
    with pytest.raises(ProjectError, match="several pymw_assimilators"):
        given_to(
            MADE.replace(b"feeder -d 3", ASSIMILATOR.encode()).replace(
                b"transitioner -d 3", ASSIMILATOR.encode()
            )
        )


PROJECT = (DATA / "project.xml").read_bytes()


@pytest.mark.parametrize(
    "before",
    [
        PROJECT,
        PROJECT.replace(b"\n", b"\r\n"),
        PROJECT.replace(b"    ", b"\t"),
        PROJECT.replace(
            b"</boinc>", b"    <app>\n        <name>other</name>\n    </app> <!-- pymw -->\n</boinc>"
        ),
        b"<boinc><platform><name>anonymous</name></platform></boinc>",
        b"<boinc></boinc>",
        b"<boinc/>",
        b"<boinc>\n  <!-- <app><name>pymw</name></app> -->\n</boinc>\n",
    ],
)
def test_the_application_comes_into_every_shape_of_project_xml(before: bytes) -> None:
    text = XmlText(before, "project.xml")
    arm = pymw_platforms.load("aarch64-unknown-linux-gnu")
    assert project_xml.give(text, [arm]) == [
        "the platform aarch64-unknown-linux-gnu is new",
        "the application pymw is new",
    ]
    assert project_xml.names(XmlText(text.data, ""), "app") >= {"pymw"}
    assert is_within(everything(before), everything(text.data))
    assert is_within(NEW, everything(text.data))
    assert len(everything(text.data)) == len(everything(before)) + len(NEW)
    assert (before == b"<boinc/>") != is_kept(before, text.data)
    assert (b"\r\n" in text.data) == (b"\r\n" in before)
    once = text.data
    assert project_xml.give(text, [arm]) == [] and text.data == once


NEW = [
    ("platform", ""),
    ("name", "aarch64-unknown-linux-gnu"),
    ("user_friendly_name", "Linux, 64-bit ARM"),
    ("app", ""),
    ("name", "pymw"),
    ("user_friendly_name", "PyMW"),
]


def test_an_application_looks_as_make_project_writes_one() -> None:
    text = XmlText(PROJECT, "project.xml")
    project_xml.give(text, [])
    new = """    <app>
        <name>pymw</name>
        <user_friendly_name>PyMW</user_friendly_name>
    </app>
</boinc>
"""
    assert text.data == PROJECT.replace(b"</boinc>\n", new.encode())


# Whatever people's editors make of a file.
_blank = st.sampled_from(["", "\n", "\n  ", "\n\t\t", " ", "\r\n ", "\n\n      "])
_comment = st.sampled_from(["", "<!-- c -->", "<!-- </daemons> <daemon/> -->", "<?pi x?>", "<!--\n\n-->"])
_word = st.text(st.sampled_from("abz &<>'\"-/ü€"), max_size=12)


@st.composite
def _daemon(draw: st.DrawFn) -> str:
    command = escape("other " + draw(_word).replace("'", "").replace('"', ""))
    return f"<daemon>{draw(_blank)}{draw(_comment)}<cmd>{command}</cmd>{draw(_blank)}</daemon>"


@st.composite
def _config(draw: st.DrawFn) -> tuple[str, str, str]:
    """What is before <daemons>, itself or nothing, and what is after it."""
    start = draw(st.sampled_from(["", '<?xml version="1.0" ?>', '<?xml version="1.0" encoding="UTF-8"?>\n']))
    inside = [draw(_blank) + draw(st.one_of(_daemon(), _comment)) for _ in range(draw(st.integers(0, 3)))]
    several = f"<daemons a='>'>{''.join(inside)}{draw(_blank)}</daemons>"
    return (
        f"{start}<boinc>{draw(_blank)}<config><a>/></a></config>{draw(_blank)}{draw(_comment)}",
        draw(st.sampled_from(["", "<daemons/>", "<daemons\n a='/>' />", several])),
        f"{draw(_comment)}{draw(_blank)}</boinc>{draw(_blank)}",
    )


_name = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1)


@settings(deadline=None)
@given(_config(), _name, st.integers(1, 3))
def test_any_folder_comes_into_any_config_xml_and_nothing_else_changes(
    config: tuple[str, str, str], name: str, quorum: int
) -> None:
    before, element, behind = config
    data, folder = "".join(config).encode(), Path("/srv", name.strip("/.") or "x")
    after, _ = given_to(data, folder, quorum)
    found = [shlex.split(command) for command in commands(after) if command.startswith(ASSIMILATOR)]
    assert [words[-1] for words in found] == [str(folder)]
    assert is_within(everything(data), everything(after))
    assert len(everything(after)) == len(everything(data)) + 4 * 2 + 4 + (element == "")
    if element.endswith("/>"):
        assert after.startswith((before + element.removesuffix("/>").rstrip() + ">").encode())
        assert after.endswith((element[:1] + "/daemons>" + behind).encode())
    else:
        assert is_kept(data, after)
    assert given_to(after, folder, quorum) == (after, [])
    moved, done = given_to(after, TASKS, quorum)
    assert done == ([f"{ASSIMILATOR} now has {TASKS}"] if folder != TASKS else [])
    assert given_to(moved, folder, quorum)[0] == after
