"""pymw_setup --check: what stands, what lacks, and what to do; on a web server that shows this and that."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.mariadb import MariaDB
from tests.server.made_project import QUICK, MadeProject

PAGE = "<html><!-- <scheduler>http://127.0.0.1:{port}/sandbox_cgi/cgi</scheduler> --></html>"
DOWN = (
    '<scheduler_reply>\n<message priority="low">Server error: feeder not running</message>\n'
    "<request_delay>3600</request_delay>\n<project_is_down/>\n</scheduler_reply>"
)
# As PHP 8.2 shows it when the database does not answer.
PHP_ERROR = (
    "<br />\n<b>Fatal error</b>:  Uncaught Error: Call to undefined function error_page() in "
    "/srv/html/inc/boinc_db.inc:126\nStack trace:\n"
)


class Web:
    """A web server that shows a project's files, and what a test puts into `pages`."""

    def __init__(self) -> None:
        web = self
        self.folder = Path()
        self.pages: dict[str, str] = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/sandbox/")
                file = web.folder / ("download" if name.startswith("download/") else "html/user")
                file /= name.removeprefix("download/") or "index.php"
                found = web.pages.get(name, "")
                content = found.encode() or (file.read_bytes() if file.is_file() else b"")
                self.send_response(200 if content else 404)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.pages[""] = PAGE.format(port=self.port)
        self.pages["/sandbox_cgi/cgi"] = "<scheduler_reply></scheduler_reply>"
        self.pages["get_project_config.php"] = "<project_config></project_config>"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """Shut it down."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    server.close()


@pytest.fixture
def project(
    web: Web, mariadb: MariaDB, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MadeProject]:
    """A project that was set up and whose daemons run."""
    for name, value in mariadb.environment.items():
        monkeypatch.setenv(name, value)
    project = MadeProject(tmp_path / "sandbox", mariadb.create_database(), web.port)
    web.folder = project.folder
    project.setup("-p", tmp_path / "tasks", "--key", key, "--restart", *QUICK)
    yield project
    project.close()


def test_a_project_that_is_set_up_and_runs_lacks_nothing(project: MadeProject, tmp_path: Path) -> None:
    before = project.fingerprint()
    said = project.setup("--check", "-p", tmp_path / "tasks")
    assert project.fingerprint() == before
    for words in (
        "pymw_assimilator runs, process",
        "sample_trivial_validator runs",
        f"the task folder is {tmp_path / 'tasks'}",
        "version 1.00 for windows_intelx86; tasks signed with ",
        "/sandbox/ and its scheduler answer",
        "/sandbox/download gives volunteers the application",
        "/sandbox/pymw.json tells programs elsewhere",
    ):
        assert f"stands  {words}" in said or words in said
    assert "LACKS" not in said


def test_a_fresh_project_lacks_everything(made_project: MadeProject) -> None:
    found = "\n".join(made_project.lacks())
    for words in (
        "feeder does not run",
        "config.xml has no pymw_assimilator",
        "config.xml has no validator",
        "the database has no application pymw",
        "no version of the application",
        "pymw.json: a setup did not come to its end",
        "cannot be reached: [Errno 111] Connection refused",
    ):
        assert words in found
    config = made_project.folder / "config.xml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(f"<host>{made_project.host}<", "<host>other<"), encoding="utf-8")
    assert (
        f"config.xml says <host>other</host>, but this computer is {made_project.host}"
        in made_project.lacks()
    )


def test_what_the_file_deleter_calls_critical_though_it_is_in_order_is_no_complaint(
    project: MadeProject, tmp_path: Path
) -> None:
    log = project.folder / f"log_{project.host}" / "file_deleter.log"
    log.write_text(
        "[2026/11/25 06:41:10] Executing command: file_deleter\n"
        "2026-11-25 06:41:21.7439 UTC [CRITICAL] [RESULT#4] missing dir for /srv/projects/lab/upload/30b\n"
        "2026-11-25 06:41:21.7439 UTC [CRITICAL] [RESULT#4] file deletion failed: opendir() failed\n"
        "2026-11-25 10:02:08.0695 UTC [CRITICAL] [WU#4] get_file_path: pymw_remote_arguments_"
        "a258cce14cfc4f0e82fd7c4bbafcf142: not found\n",
        encoding="utf-8",
    )
    said = log.read_text(encoding="utf-8")
    assert not [line for line in project.lacks() if "complains" in line]
    for grave in (
        "[WU#1] file deletion failed: opendir() failed",
        "[RESULT#4] file deletion failed: unlink() failed",
        "[RESULT#4] outcome=1 client_state=5 No file pymw_30b_1_0_r1_0 to delete",
        "[WU#4] get_file_path: pymw_remote_bundle_a258cce14cfc4f0e82fd7c4bbafcf142: not found",
        "[WU#4] get_file_path: pymw_30b_1_arguments: not found",
        "[WU#4] missing dir for pymw_remote_arguments_a258cce14cfc4f0e82fd7c4bbafcf142",
    ):
        log.write_text(f"{said}2026-11-25 06:41:22.0012 UTC [CRITICAL] {grave}\n", encoding="utf-8")
        (found,) = [line for line in project.lacks() if "file_deleter runs and complains" in line]
        assert grave in found


def test_what_went_wrong_since_is_found(project: MadeProject, web: Web, tmp_path: Path) -> None:
    log = project.folder / f"log_{project.host}" / "pymw_validator.log"
    log.write_text(
        "2026-11-20 [CRITICAL] long ago\n[2026/11/25 10:00:00] Executing command: sample_trivial_validator\n"
        "2026-11-25 10:00:01.0 [CRITICAL]  check_set: out of memory\n",
        encoding="utf-8",
    )
    facts = project.home.facts.read_text(encoding="ascii")
    project.home.facts.write_text(facts.replace('"min_quorum": 1', '"min_quorum": 2'), encoding="ascii")
    web.pages["pymw.json"] = facts
    web.pages["/sandbox_cgi/cgi"] = DOWN
    web.pages["get_project_config.php"] = PHP_ERROR
    launcher = "pymw_1.00_windows_intelx86.exe"
    web.pages[""] += PHP_ERROR
    (project.folder / "apps/pymw/1.00/i686-pc-linux-gnu/pymw_1.00_i686-pc-linux-gnu").write_text("spoilt")
    (project.folder / "download" / launcher).unlink()
    (project.folder / "keys/upload_public").unlink()
    project.database.change("UPDATE app SET deprecated = 1")
    shutil.rmtree(tmp_path / "tasks")
    found = "\n".join(project.lacks("-p", tmp_path / "other"))
    for words in (
        "sample_trivial_validator runs and complains: 2026-11-25 10:00:01.0 [CRITICAL]  check_set: out of",
        f"the assimilator's folder is {tmp_path / 'tasks'}, not {tmp_path / 'other'}",
        "tasks is no folder that pymw_setup has made",
        "keys has no upload_public",
        "the application pymw is deprecated",
        "version 1.00 for i686-pc-linux-gnu: pymw_1.00_i686-pc-linux-gnu is no native program",
        f"version 1.00 for windows_intelx86: {project.folder / 'download'} has no {launcher}",
        "shows an error of PHP: Fatal error</b>:  Uncaught Error: Call to undefined function error_page()",
        "the scheduler gives no tasks: Server error: feeder not running",
        "get_project_config.php says 'Fatal error</b>:  Uncaught Error",
        "pymw.json is not the file that pymw_setup has written",
        "download/" + launcher + " answers 404",
    ):
        assert words in found, found


def test_daemons_that_died_and_a_stopped_project_are_found(project: MadeProject, tmp_path: Path) -> None:
    project.setup("-p", tmp_path / "other")
    assert f"the assimilator that runs does not know of {tmp_path / 'other'} yet" in project.lacks()
    project.close()
    found = project.lacks()
    assert "the project is stopped: the file stop_sched is there" in found
    assert sum("does not run" in each for each in found) == 5
    # Another process has got the number of one of them.
    with subprocess.Popen(["sleep", "60"]) as other:
        (project.folder / f"pid_{project.host}" / "feeder.pid").write_text(f"{other.pid}\n")
        assert sum("does not run" in each for each in project.lacks()) == 5
        other.kill()


def test_a_database_that_is_stopped_ends_the_check_in_order(project: MadeProject, mariadb: MariaDB) -> None:
    mariadb.stop()
    try:
        assert any("cannot be reached as boincadm" in each for each in project.lacks())
    finally:
        mariadb.start()
