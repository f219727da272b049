"""`pymw_assimilator`: the command line of the daemon, which is that of BOINC's own assimilators."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from pymw_packager import command, names

from pymw.errors import ProjectError
from pymw.server.assimilator.daemon import Daemon
from pymw.server.assimilator.log import Level, Log
from pymw.server.assimilator.stopping import Stop
from pymw.server.home import ASSIMILATOR, ServerHome
from pymw.server.task_folder import TaskFolder

DESCRIPTION = """\
Hands over the results of jobs to the programs that wait for them. pymw_setup enters it in the daemons of
config.xml; bin/start and bin/stop start and end it. It finds its project by the folder that it is
started in, or by BOINC_PROJECT_DIR."""

EPILOG = """\
Long options may have one dash, as those of BOINC's other daemons.

exit status: 0 it was stopped, or has done its one pass; 1 --one_pass has left something for later; 2 it
cannot work"""

_HOME_VARIABLE = "BOINC_PROJECT_DIR"
_SLEEP = 10.0
_LONG = re.compile("^-([a-z_]{2,})$")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args([_LONG.sub(r"--\1", each) for each in given])
    return command.run(ASSIMILATOR, lambda: _work(options), (ProjectError,))


def _work(options: argparse.Namespace) -> int:
    home = ServerHome.open(_project())
    stop = Stop(home.folder / "stop_daemons")
    log = Log(sys.stderr, options.debug_level)
    folder = TaskFolder(options.pymw.expanduser().absolute())
    daemon = Daemon(home, folder, log, stop, options.app, *options.mod)
    with stop.listening():
        try:
            if options.one_pass:
                return command.OK if daemon.one_pass() else command.FAULTY
            daemon.run(options.sleep_interval)
        except ProjectError as error:
            log.say(Level.CRITICAL, str(error))
            return command.FAILED
    return command.OK


def _project() -> Path:
    """The folder of the project. Raises ProjectError."""
    if given := os.environ.get(_HOME_VARIABLE):
        return Path(given)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "config.xml").is_file():
            return folder
    raise ProjectError(f"{here} is in no project of the BOINC server: go to one, or set {_HOME_VARIABLE}")


def _parser() -> argparse.ArgumentParser:
    parser = command.Parser(prog=ASSIMILATOR, description=DESCRIPTION, epilog=EPILOG, add_help=False)

    add = parser.add_argument
    add("-p", "--pymw", metavar="TASK_DIR", type=Path, required=True, help="where results go")
    add("--app", metavar="NAME", default=names.APP, help="of this application (default: %(default)s)")
    add(
        "--sleep_interval",
        metavar="X",
        type=_seconds,
        default=_SLEEP,
        help="seconds between looks (default: %(default)g)",
    )
    add(
        "--mod",
        metavar=("N", "R"),
        nargs=2,
        type=int,
        action=_Mod,
        default=(1, 0),
        help="only of jobs with ID mod N = R",
    )
    add("--one_pass", action="store_true", help="look once and end")
    add(
        "-d",
        "--debug_level",
        metavar="N",
        type=int,
        default=int(Level.NORMAL),
        help="1: errors, 2: warnings, 3: what was done (the default), 4: each job",
    )
    add("-h", "--help", action="help", help="show this")
    add("-v", "--version", action="version", version=metadata.version("pymw-boinc"), help="show the version")
    return parser


class _Mod(argparse.Action):
    """Takes N and R that fit together."""

    def __call__(
        self, parser: Any, namespace: argparse.Namespace, values: Any, flag: str | None = None
    ) -> None:
        modulus, remainder = values
        if not 0 <= remainder < modulus:
            parser.error(f"{flag} needs N and R with 0 <= R < N")
        namespace.mod = (modulus, remainder)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < 1e6:
        raise ValueError
    return seconds
