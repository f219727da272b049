"""No fault is forgotten: each has a test, or a reason why it has none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults import catalogue, matrix
from tests.faults.matrix import Case

CATALOGUE = catalogue.load()


def test_each_fault_has_a_name_of_its_own() -> None:
    assert [name for name, number in Counter(CATALOGUE.faults).items() if number > 1] == []
    assert {*CATALOGUE.untested, *CATALOGUE.windows} <= set(CATALOGUE.faults)


def test_each_fault_has_a_test_or_a_reason_and_none_has_both() -> None:
    tested = {fault for _, fault in catalogue.marked()}
    assert tested - set(CATALOGUE.faults) == set(), "not in the catalogue"
    assert set(CATALOGUE.faults) - tested - set(CATALOGUE.untested) == set(), "neither test nor reason"
    assert tested & set(CATALOGUE.untested) == set(), "a test, and a reason why there is none"


def test_a_fault_that_nobody_knows_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["tests.faults.plugin"]')
    pytester.makepyfile("import pytest\n@pytest.mark.fault('a plague of frogs')\ndef test_it(): pass\n")
    done = pytester.runpytest("-p", "no:cacheprovider")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*catalogue.toml does not name: a plague of frogs.*"])


def test_the_page_tells_where_by_which_tests_and_how_often(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest('pytest_plugins = ["tests.faults.plugin"]')
    pytester.makepyfile(
        test_it="import pytest\n"
        "@pytest.fixture\ndef wine(): pass\n"
        "@pytest.mark.fault('aborted')\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_good_one(n, held): held('aborts', 10)\n"
        "@pytest.mark.fault('aborted', 'prints 100 MB')\n"
        "def test_bad_one(wine, held): held('aborts', 5); assert not 'well'\n"
    )
    done = pytester.runpytest("--fault-matrix", "page.md")
    done.stdout.fnmatch_lines(["held: 20 aborts", "written: page.md"])
    page = (pytester.path / "page.md").read_text()
    links = "[good one](test_it.py) ×2; [bad one](test_it.py)"
    assert f"| aborted | native, Wine | {links} | 2 passed, 1 failed | 20 aborts |" in page
    assert "| prints 100 MB | Wine | [bad one](test_it.py) | 1 failed |  |" in page


def test_a_fault_without_a_test_stands_there_with_its_reason() -> None:
    known = catalogue.Catalogue({"All": ("one", "two")}, {"one": "too dear"}, {"two": "no such thing"})
    case = Case(Path("/a/tests/test_x.py"), "test_x", ("two",), ("native",), "passed")
    page = matrix.render(known, [case], Path("/a/docs"), "Here")
    assert "| one | | | no test: too dear | |" in page
    assert "| two | native, on Windows: no such thing | [x](../tests/test_x.py) | held |  |" in page
    assert "Here: 1 of 2 faults held, 1 test cases." in page
