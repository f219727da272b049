"""The marks `fault` and `soak`, the fixture `held`, and the option --fault-matrix."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import catalogue, matrix

Held = Callable[[str, int], None]
CASE, HELD = "case", "held"  # names among a test's user properties

# Fixtures that tell where a test runs; a test's parameters may be names of fixtures as well.
PLACES = {
    "wine": {"Wine"},
    "windows": {"Wine"},
    "chroot": {"32-bit"},
    "empty_chroot": {"32-bit"},
    "volunteer_32": {"32-bit", "real client"},
    "boinc_client": {"real client"},
    "volunteer_64": {"real client"},
    "trusting": {"real client"},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-matrix", metavar="FILE", help="write what became of each fault into this file")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(name, ...): brings about these faults of catalogue.toml")
    config.addinivalue_line("markers", "soak: PYMW_SOAK=1 repeats more of what depends on chance")
    config.pluginmanager.register(Recorder(config), "faults")


@pytest.fixture
def held(request: pytest.FixtureRequest) -> Held:
    """Takes note of what was held how often, for the summary: held("kills while unpacking", 40)."""

    def note(what: str, number: int) -> None:
        request.node.user_properties.append((HELD, (what, number)))

    return note


def faults_of(item: pytest.Item) -> tuple[str, ...]:
    """The faults that a test is marked with."""
    return tuple(fault for mark in item.iter_markers("fault") for fault in mark.args)


def places_of(item: pytest.Item) -> tuple[str, ...]:
    """Where a test runs."""
    assert isinstance(item, pytest.Function)
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    names = {*item.fixturenames, *(value for value in parameters if isinstance(value, str))}
    found = set[str]().union(*(PLACES.get(name, set()) for name in names))
    if "Wine" in found:
        found.discard("32-bit")
    return tuple(found or {"native"})


class Recorder:
    """Watches the session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._catalogue = catalogue.load()
        self._cases: dict[str, matrix.Case] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        unknown = {fault for item in items for fault in faults_of(item)} - set(self._catalogue.faults)
        if unknown:
            raise pytest.UsageError(
                f"Tests are marked with faults that tests/faults/catalogue.toml does not name: "
                f"{', '.join(sorted(unknown))}. Correct the marks, or add the names there."
            )

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # With its reports it reaches the process that sums up, if others run the tests.
        assert isinstance(item, pytest.Function)
        about = (str(item.path), item.originalname, faults_of(item), places_of(item))
        item.user_properties.append((CASE, about))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        about = [value for name, value in report.user_properties if name == CASE]
        if not about or not isinstance(about[0], tuple):
            return
        path, name, faults, places = about[0]
        case = self._cases.setdefault(report.nodeid, matrix.Case(Path(path), name, faults, places))
        if report.when == "call" or report.outcome != "passed":
            case.outcome = report.outcome
        if report.when == "call":
            for name, value in report.user_properties:
                if name == HELD and isinstance(value, tuple):
                    case.held[value[0]] += value[1]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        held = matrix.total(list(self._cases.values()))
        if held:
            terminalreporter.write_line(f"held: {matrix.shown(held)}")
        path = self._config.getoption("--fault-matrix")
        if path:
            page = Path(path).absolute()
            cases = [case for case in self._cases.values() if case.faults]
            page.write_text(matrix.render(self._catalogue, cases, page.parent, machine()), encoding="utf-8")
            terminalreporter.write_line(f"written: {path}")


def machine() -> str:
    """What the tests ran on: Linux x86_64, Python 3.11.2, BOINC client 7.20.5."""
    parts = [f"{platform.system()} {platform.machine()}", f"Python {platform.python_version()}"]
    if shutil.which("boinc"):
        done = subprocess.run(["boinc", "--version"], capture_output=True, text=True, check=False)
        parts.append("BOINC client " + (re.findall(r"[\d.]+", done.stdout) or ["?"])[0])
    return ", ".join(parts)
