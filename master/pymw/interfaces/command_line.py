"""The options that every PyMW program takes, and the interface that they ask for."""

from __future__ import annotations

import argparse
import optparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymw.errors import InterfaceError, PyMWError
from pymw.interfaces import choose
from pymw.interfaces.base import Interface

# Flags, attribute of the options, default, metavar, help: as in the original.
_OPTIONS = (
    ("-i", "--interface", "interface", "generic", "INTERFACE", f"where tasks run: {', '.join(choose.NAMES)}"),
    ("-n", "--num_workers", "n_workers", "4", "N", "number of workers"),
    ("-p", "--project_home", "p_home", "", "DIR", "the project's folder or URL (boinc)"),
    ("-c", "--app_path", "custom_app_dir", "", "DIR", "folder of a worker application of your own (boinc)"),
    ("-a", "--app_args", "custom_app_args", "", "ARGS", "arguments of that application (boinc)"),
)


def parse_options(parser: Any = None, args: Sequence[str] | None = None) -> Any:
    """Add PyMW's options to an optparse or argparse parser, and parse.

    parser: None for a new one. args: None for the command line's. Returns the pair (options, other
    arguments).
    """
    if parser is None:
        parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_option if isinstance(parser, optparse.OptionParser) else parser.add_argument
    for short, long, attribute, default, metavar, words in _OPTIONS:
        more: dict[str, Any] = {"choices": list(choose.NAMES)} if attribute == "interface" else {}
        add(short, long, dest=attribute, default=default, metavar=metavar, help=words, **more)
    given = list(sys.argv[1:] if args is None else args)
    if isinstance(parser, optparse.OptionParser):
        return parser.parse_args(given)
    return parser.parse_known_args(given)


def get_interface(options: Any) -> Interface:
    """The interface that parsed options ask for.

    What is wrong with them ends the program with one sentence and status 2, as a parser's own errors do.
    """
    try:
        return _asked_for(options)
    except PyMWError as error:
        print(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def _asked_for(options: Any) -> Interface:
    workers = _workers(options.n_workers)
    if options.interface == "boinc":
        return choose.named(
            "boinc",
            options.p_home,
            custom_app_dir=options.custom_app_dir or None,
            custom_args=[options.custom_app_args] if options.custom_app_args else [],
        )
    if options.interface == "grid_simulator":
        return choose.named("grid_simulator")
    return choose.named(options.interface, num_workers=workers)


def _workers(text: Any) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise InterfaceError(f"the number of workers is {text}: -n takes a whole number from 1 up")
    return number
