"""`pymw project`: what people type."""

import json
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from pymw.project.project import Project
from pymw_packager.client_process import free_port

from tests.bench.packages import Packages
from tests.project.played import Played
from tests.project.server import Server


def run(*arguments: object, status: int = 0) -> str:
    command = [sys.executable, "-m", "pymw.project", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if status == 0 else done.stderr


def test_create_says_how_to_attach_and_status_what_there_is(tmp_path: Path) -> None:
    said = run("create", tmp_path / "lab", "--name", "Our lab", "--url", "http://192.0.2.7:8080/pymw")
    with Project.open(tmp_path / "lab") as project:
        assert f"boinccmd --project_attach http://192.0.2.7:8080/pymw/ {project.owner_key()}" in said
        assert project.settings.name == "Our lab"
    assert "No computer has attached yet" in run("status", tmp_path / "lab")
    facts = json.loads(run("status", tmp_path / "lab", "--json"))
    assert (facts["name"], facts["counts"]["workunits"], facts["hosts"]) == ("Our lab", 0, [])


def test_status_shows_strangers_names_as_they_are(
    project: Project, play: Callable[..., Played], submit: Callable[..., object]
) -> None:
    submit()
    client = play(platforms=("x86_64-pc-linux-gnu",))
    client.ask(0, "<host_info><domain_name>late</domain_name></host_info>")
    shown = run("status", project.folder)
    assert "1 open, 0 succeeded" in shown and "x86_64-pc-linux-gnu" in shown


def test_what_cannot_be_done_is_a_sentence_and_status_2(tmp_path: Path, project: Project) -> None:
    assert "is no PyMW project" in run("status", tmp_path / "absent", status=2)
    assert "not empty" in run("create", project.folder, status=2)
    assert "name workunits" in run("cancel", project.folder, status=2)
    assert "belong together" in run("serve", project.folder, "--key", "x", status=2)
    assert "cannot be read" in run("add-version", project.folder, tmp_path / "1.00" / "x", status=2)


def test_workunits_are_cancelled(project: Project, submit: Callable[..., object]) -> None:
    submit("one")
    submit("two", batch="b")
    assert run("cancel", project.folder, "one", "unknown") == "cancelled 1 workunits\n"
    assert run("cancel", project.folder, "--batch", "b") == "cancelled 1 workunits\n"
    assert project.counts().failed == 2


def test_the_systemd_unit_names_everything_by_its_whole_path(project: Project) -> None:
    unit = run("systemd", project.folder)
    assert f'ExecStart="{sys.executable}" -m pymw.project serve "{project.folder}"' in unit
    assert f'ReadWritePaths="{project.folder}"' in unit


def test_it_serves_with_tls_what_lies_in_apps_and_alone(
    tmp_path: Path, packages: Packages, certificate: tuple[Path, Path]
) -> None:
    port = free_port()
    folder = tmp_path / "lab"
    run("create", folder, "--unsigned", "--url", f"https://127.0.0.1:{port}/pymw/")
    package = packages.get("x86_64-pc-linux-gnu", "none")
    (folder / "apps" / "pymw" / "1.04").mkdir(parents=True)
    (folder / "apps" / "pymw" / "1.04" / "x86_64-pc-linux-gnu").symlink_to(package)
    chain, key = certificate
    server = Server(folder, port, "--certificate", str(chain), "--key", str(key))
    server.start()
    try:
        context = ssl.create_default_context(cafile=str(chain))
        with httpx.Client(verify=context, trust_env=False) as http:
            page = http.get(f"https://127.0.0.1:{port}/pymw/").text
        assert f'href="https://127.0.0.1:{port}/pymw/cgi"' in page
        assert "another server" in run("serve", folder, "--port", free_port(), status=2)
        assert server.stop() == 0
    finally:
        server.kill()
    assert json.loads(run("status", folder, "--json"))["counts"]["app_versions"] == 1
