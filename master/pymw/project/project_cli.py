"""`pymw project`: makes a project, serves it, and shows what it does."""

from __future__ import annotations

import argparse
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

DESCRIPTION = """\
A BOINC project of your own, in one folder and one process. BOINC clients attach to it and run the tasks of
programs that use the interface "boinc" with this folder."""

EXAMPLES = """\
examples:
  pymw project create lab --url http://192.0.2.7:8080/pymw/
      Make the project. The URL is where clients will reach this machine.
  pymw-package --key lab/keys/task.pub --platform windows_intelx86 --output lab/apps
      Build what clients download: every version in lab/apps is served.
  pymw project serve lab
      Serve it, until Ctrl-C. Then, on another computer, with the key that `create` printed:
      boinccmd --project_attach http://192.0.2.7:8080/pymw/ KEY
  pymw project status lab
      Workunits, results and computers."""


def add_to(commands: Any) -> None:
    """Add the command `project` to a command line.

    commands: what argparse's add_subparsers returned. Each command sets `command`, a function that takes the
    options and returns the exit status, and may raise PyMWError.
    """
    project = commands.add_parser(
        "project", help="run a BOINC project", description=DESCRIPTION, epilog=EXAMPLES
    )
    add_commands(project.add_subparsers(metavar="COMMAND", required=True))


def add_commands(actions: Any) -> None:
    """Add the commands of `pymw project` themselves."""
    create = _command(actions, "create", "make a project", "create")
    create.add_argument("--name", help="what clients call it (default: the folder's name)")
    create.add_argument("--url", help="where clients reach it (default: this computer, port 8080)")
    signing = create.add_mutually_exclusive_group()
    signing.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        help="public key of who signs its tasks (default: a new one)",
    )
    signing.add_argument("--unsigned", action="store_true", help="volunteers run what nobody has signed")
    create.add_argument("--no-accounts", action="store_true", help="only the owner's key attaches")
    server = _command(actions, "serve", "serve it until Ctrl-C", "serve")
    server.add_argument("--host", default="", help="listen at this address only (default: all)")
    server.add_argument("--port", type=int, help="listen here (default: the port of the project's URL)")
    server.add_argument("--certificate", metavar="FILE", type=Path, help="certificate chain, for https")
    server.add_argument("--key", metavar="FILE", type=Path, help="its private key")
    status = _command(actions, "status", "show what it does", "status")
    status.add_argument("--json", action="store_true", help="print it as JSON")
    add = _command(actions, "add-version", "add app versions that pymw-package built", "add_version")
    add.add_argument("versions", metavar="FOLDER", type=Path, nargs="+", help=".../pymw/VERSION/PLATFORM")
    cancel = _command(actions, "cancel", "cancel workunits", "cancel")
    cancel.add_argument("names", metavar="NAME", nargs="*", help="of a workunit")
    cancel.add_argument("--batch", help="all workunits of this batch")
    _command(actions, "systemd", "print a unit that serves it from when the computer starts", "systemd")


def _command(actions: Any, name: str, text: str, function: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)
    parser.add_argument("folder", metavar="DIR", type=Path, help="the project")
    parser.set_defaults(command=partial(_run, function))
    return parser


def _run(function: str, options: argparse.Namespace) -> int:
    # Not before it is needed: the server's libraries take longer to load than other commands to run.
    status: int = getattr(import_module("pymw.project.commands"), function)(options)
    return status
