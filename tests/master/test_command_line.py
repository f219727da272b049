"""The options that every program takes, on either kind of parser."""

import argparse
import optparse
from collections.abc import Callable
from typing import Any

import pytest
from pymw import interfaces
from pymw.interfaces.generic import GenericInterface
from pymw.interfaces.grid_simulator import GridSimulatorInterface
from pymw.interfaces.multicore import MulticoreInterface

ARGUMENTS = ["-i", "multicore", "-n", "3", "-p", "/project", "-c", "/app", "-a", "more", "--own", "5", "rest"]
PARSERS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "optparse": optparse.OptionParser,
    "argparse": argparse.ArgumentParser,
}


def parse(kind: str, arguments: list[str]) -> tuple[Any, list[str]]:
    parser = PARSERS[kind]()
    if isinstance(parser, optparse.OptionParser):
        parser.add_option("--own")
    elif parser is not None:
        parser.add_argument("--own")
    found: tuple[Any, list[str]] = interfaces.parse_options(parser, arguments)
    return found


@pytest.mark.parametrize("kind", ["optparse", "argparse"])
def test_all_options_are_read_in_their_short_form_beside_the_program_s_own(kind: str) -> None:
    options, rest = parse(kind, ARGUMENTS)
    assert (options.interface, int(options.n_workers), options.own) == ("multicore", 3, "5")
    assert (options.p_home, options.custom_app_dir, options.custom_app_args) == ("/project", "/app", "more")
    assert rest == ["rest"]


@pytest.mark.parametrize("kind", PARSERS)
def test_all_options_are_read_in_their_long_form(kind: str) -> None:
    options, _ = parse(
        kind,
        ["--interface=generic", "--num_workers=2", "--project_home=P", "--app_path=C", "--app_args=A"],
    )
    found = (options.interface, options.n_workers, options.p_home, options.custom_app_dir)
    assert found == ("generic", "2", "P", "C") and options.custom_app_args == "A"


@pytest.mark.parametrize("kind", PARSERS)
def test_without_options_it_is_the_generic_interface_with_four_workers(kind: str) -> None:
    options, rest = parse(kind, [])
    interface = interfaces.get_interface(options)
    assert isinstance(interface, GenericInterface) and interface.room() == 4 and rest == []


def test_the_interface_that_is_asked_for_is_made() -> None:
    for name, cls in (("multicore", MulticoreInterface), ("grid_simulator", GridSimulatorInterface)):
        assert isinstance(interfaces.get_interface(parse("none", ["-i", name])[0]), cls)


@pytest.mark.parametrize("kind", PARSERS)
def test_an_interface_that_there_is_not_ends_the_program_with_the_names(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(kind, ["-i", "condor"])
    assert caught.value.code == 2
    assert "condor" in (said := capsys.readouterr().err) and "multicore" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-n", "0"], "the number of workers is 0: -n takes a whole number from 1 up"),
        (["-n", "many"], "the number of workers is many: -n takes a whole number from 1 up"),
        (["-i", "boinc"], "the BOINC interface needs a project: -p names its folder"),
        (
            ["-i", "boinc", "-p", "/nowhere"],
            "no folder /nowhere: `pymw project create /nowhere` makes",
        ),
    ],
)
def test_what_cannot_be_had_ends_the_program_with_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        interfaces.get_interface(parse("none", arguments)[0])
    said = capsys.readouterr().err
    assert caught.value.code == 2 and words in said and said.count("\n") == 1


def test_modules_of_interfaces_are_there_when_they_are_asked_for() -> None:
    for name in ("generic", "multicore", "mpi", "grid_simulator", "executor"):
        assert getattr(interfaces, name).__name__ == f"pymw.interfaces.{name}"
    with pytest.raises(AttributeError, match="nowhere"):
        _ = interfaces.nowhere
