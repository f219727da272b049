"""The options for the Python that comes along, of every command that builds an app version."""

import argparse
from pathlib import Path
from typing import Any

from pymw_packager.errors import StorageError


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command line."""
    add = parser.add_argument_group("the Python that comes along").add_argument
    add(
        "--interpreter",
        metavar="auto|none|freeze|PATH",
        default="auto",
        help="auto: the platform's usual source; none; freeze: the Python that runs this command, "
        "for this machine's platform only; PATH: a folder or archive with a Python (default: %(default)s)",
    )
    add(
        "--python-version",
        metavar="X.Y",
        help="its version, such as 3.11 (default: the source's choice)",
    )
    add("--requirement", metavar="FILE", action="append", default=[], help="put the packages of FILE in")
    add("--package", metavar="NAME", nargs="+", action="extend", default=[], help="put these packages in")
    add(
        "--lean",
        action="store_true",
        help="leave out what tasks seldom need: ssl, sqlite3, the codecs of Asia, tools for programmers, "
        "mail, servers (docs/packaging.md lists it)",
    )
    add(
        "--prefer",
        choices=["system", "embedded"],
        help="system: look for a Python first, unpack only if needed; embedded: the other way round "
        "(default: system, but embedded if there are packages)",
    )


def read(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say, as fields of a Recipe.

    Raises:
        StorageError: a file of requirements is missing.
    """
    requirements = list(options.package)
    for name in options.requirement:
        file = Path(name).absolute()
        if not file.is_file():
            raise StorageError(f"--requirement {name}: there is no such file.")
        requirements += ["-r", str(file)]
    return {
        "interpreter": options.interpreter,
        "python_version": options.python_version,
        "prefer": options.prefer or ("embedded" if requirements else "system"),
        "requirements": tuple(requirements),
        "lean": options.lean,
    }
