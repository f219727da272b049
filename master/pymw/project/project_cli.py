"""`pymw project`: makes a project, serves it, and shows what it does."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import socket
import sys
from pathlib import Path
from typing import Any

from pymw.errors import ProjectError
from pymw.project import report, serve, unit
from pymw.project.layout import Layout
from pymw.project.project import Project, app_versions_in
from pymw.project.serve import Listening

OK = 0

DESCRIPTION = """\
A BOINC project of your own, in one folder and one process. BOINC clients attach to it and run the tasks of
programs that use the interface "boinc" with this folder."""

EXAMPLES = """\
examples:
  pymw project create lab --url http://192.0.2.7:8080/pymw/
      Make the project. The URL is where clients will reach this machine.
  pymw-package --platform x86_64-pc-linux-gnu --platform windows_intelx86 --output lab/apps
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
    look = argparse.RawDescriptionHelpFormatter
    project = commands.add_parser(
        "project", help="run a BOINC project", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=look
    )
    add_commands(project.add_subparsers(metavar="COMMAND", required=True))


def add_commands(actions: Any) -> None:
    """Add the commands of `pymw project` themselves."""
    create = _command(actions, "create", "make a project", _create)
    create.add_argument("--name", help="what clients call it (default: the folder's name)")
    create.add_argument("--url", help="where clients reach it (default: this computer, port 8080)")
    create.add_argument("--no-accounts", action="store_true", help="only the owner's key attaches")
    server = _command(actions, "serve", "serve it until Ctrl-C", _serve)
    server.add_argument("--host", default="", help="listen at this address only (default: all)")
    server.add_argument("--port", type=int, help="listen here (default: the port of the project's URL)")
    server.add_argument("--certificate", metavar="FILE", type=Path, help="certificate chain, for https")
    server.add_argument("--key", metavar="FILE", type=Path, help="its private key")
    status = _command(actions, "status", "show what it does", _status)
    status.add_argument("--json", action="store_true", help="print it as JSON")
    add = _command(actions, "add-version", "add app versions that pymw-package built", _add_version)
    add.add_argument("versions", metavar="FOLDER", type=Path, nargs="+", help=".../pymw/VERSION/PLATFORM")
    cancel = _command(actions, "cancel", "cancel workunits", _cancel)
    cancel.add_argument("names", metavar="NAME", nargs="*", help="of a workunit")
    cancel.add_argument("--batch", help="all workunits of this batch")
    _command(actions, "systemd", "print a unit that serves it from when the computer starts", _systemd)


def _command(actions: Any, name: str, text: str, function: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)
    parser.add_argument("folder", metavar="DIR", type=Path, help="the project")
    parser.set_defaults(command=function)
    return parser


def _create(options: argparse.Namespace) -> int:
    url = options.url or f"http://{_address()}:8080/pymw/"
    name = options.name or options.folder.absolute().name
    about: dict[str, object] = {"name": name, "url": url, "create_accounts": not options.no_accounts}
    with Project.create(options.folder, **about) as project:
        print(f"{project.folder}: the project {project.settings.name}")
        print(f"clients attach with: boinccmd --project_attach {project.settings.url} {project.owner_key()}")
    return OK


def _serve(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    if (options.certificate is None) != (options.key is None):
        raise ProjectError("--certificate and --key belong together")
    with Project.open(options.folder) as project:
        place = Layout(project.folder)
        for folder in app_versions_in(place):
            if project.add_version(folder):
                print(f"added {folder}", flush=True)
        port = serve.default_port(project.settings.url) if options.port is None else options.port
    serve.serve(place, Listening(options.host, port, options.certificate, options.key))
    return OK


def _status(options: argparse.Namespace) -> int:
    with Project.open(options.folder) as project:
        counts, hosts = project.counts(), project.hosts()
        if options.json:
            facts = {
                "name": project.settings.name,
                "url": project.settings.url,
                "counts": dataclasses.asdict(counts),
                "hosts": [dataclasses.asdict(host) for host in hosts],
            }
            print(json.dumps(facts, indent=2))
        else:
            report.print_status(project.settings, counts, hosts)
    return OK


def _add_version(options: argparse.Namespace) -> int:
    with Project.open(options.folder) as project:
        for folder in options.versions:
            state = "added" if project.add_version(folder) else "was there already"
            print(f"{folder}: {state}")
    return OK


def _cancel(options: argparse.Namespace) -> int:
    if not options.names and options.batch is None:
        raise ProjectError("name workunits, or a --batch")
    with Project.open(options.folder) as project:
        print(f"cancelled {project.cancel(options.names, options.batch)} workunits")
    return OK


def _systemd(options: argparse.Namespace) -> int:
    with Project.open(options.folder) as project:
        print(unit.text(project.folder, project.settings), end="")
    return OK


def _address() -> str:
    """The address of this computer in its network; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
