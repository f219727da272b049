"""What the commands of `pymw project` do. Each returns the exit status, and may raise ProjectError."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import socket
import sys

from pymw.errors import ProjectError
from pymw.project import report, unit
from pymw.project import serve as server
from pymw.project.layout import Layout
from pymw.project.project import Project, app_versions_in
from pymw.project.serve import Listening

OK = 0


def create(options: argparse.Namespace) -> int:
    """Make a project."""
    url = options.url or f"http://{_address()}:8080/pymw/"
    name = options.name or options.folder.absolute().name
    about: dict[str, object] = {"name": name, "url": url, "create_accounts": not options.no_accounts}
    with Project.create(options.folder, options.key, unsigned=options.unsigned, **about) as project:
        print(f"{project.folder}: the project {project.settings.name}")
        if not options.unsigned:
            public = Layout(project.folder).task_key.with_suffix(".pub")
            print(f"package with: pymw-package --key {public} --output {Layout(project.folder).apps}")
        print(f"clients attach with: boinccmd --project_attach {project.settings.url} {project.owner_key()}")
    return OK


def serve(options: argparse.Namespace) -> int:
    """Serve it until a signal."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    if (options.certificate is None) != (options.key is None):
        raise ProjectError("--certificate and --key belong together")
    with Project.open(options.folder) as project:
        place = Layout(project.folder)
        for folder in app_versions_in(place):
            if project.add_version(folder):
                print(f"added {folder}", flush=True)
        port = server.default_port(project.settings.url) if options.port is None else options.port
    server.serve(place, Listening(options.host, port, options.certificate, options.key))
    return OK


def status(options: argparse.Namespace) -> int:
    """Show what it does."""
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


def add_version(options: argparse.Namespace) -> int:
    """Add app versions."""
    with Project.open(options.folder) as project:
        for folder in options.versions:
            state = "added" if project.add_version(folder) else "was there already"
            print(f"{folder}: {state}")
    return OK


def cancel(options: argparse.Namespace) -> int:
    """Cancel workunits."""
    if not options.names and options.batch is None:
        raise ProjectError("name workunits, or a --batch")
    with Project.open(options.folder) as project:
        print(f"cancelled {project.cancel(options.names, options.batch)} workunits")
    return OK


def systemd(options: argparse.Namespace) -> int:
    """Print a unit for systemd."""
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
