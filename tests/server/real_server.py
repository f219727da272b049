"""A project of the real BOINC server on this computer, which PYMW_BOINC_PROJECT names, with real clients."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pymw_platforms
from pymw import key_files
from pymw.project.volunteer import Volunteer
from pymw.server.database import Database
from pymw.server.home import ServerHome

from tests.project.server import wait_for

VARIABLE = "PYMW_BOINC_PROJECT"
ROOT = Path(__file__).parents[2]
_ASK = 5.0  # seconds between requests: after a failed task, clients wait for minutes by themselves
_SAID = 2000  # characters of each log that are told


class RealServer:
    """The project, set up by pymw_setup for tasks that are signed, with a quorum of 2, and its clients.

    Attributes:
        home: the project. task_dir: where results come to. database: to look into. clients: real ones.
    """

    def __init__(self, project: Path, folder: Path) -> None:
        """Set it up, start its daemons and the clients, as many as may fail one after the other."""
        self.home = ServerHome.open(project)
        self.task_dir = folder / "tasks"
        self.database = Database(self.home.database)
        self.folder = folder
        self.clients: list[Volunteer] = []
        self._running = ExitStack()
        self._closing = threading.Event()
        platform = pymw_platforms.this_host()
        assert platform is not None
        self.options = ("--interpreter", "none", "--platform", platform.name)
        key = key_files.create(key_files.path_of())
        self.first = self.setup(
            *("-p", self.task_dir, "--key", key.path, "--quorum", 2, *self.options, *self._if_there())
        )
        self._running.callback(self.stop)

    def start_clients(self, number: int) -> None:
        """Start clients of the project's first account, and let them ask for work again and again."""
        (account,) = self.database.rows("SELECT authenticator FROM user ORDER BY id LIMIT 1")
        for each in range(number):
            client = Volunteer(self.folder / f"client{each}", self.home.master_url, account[0])
            client.start()
            self._running.callback(client.stop, 10)
            self.clients.append(client)
        thread = threading.Thread(target=self._ask)
        thread.start()
        self._running.callback(thread.join)
        self._running.callback(self._closing.set)

    def setup(self, *options: object) -> str:
        """Run pymw_setup, and start the daemons again; returns what it says."""
        done = self._call_setup("--restart", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check(self) -> str:
        """What pymw_setup --check says."""
        done = self._call_setup("--check")
        return done.stdout + done.stderr

    def stop(self) -> None:
        """Stop the daemons."""
        subprocess.run([self.home.folder / "bin" / "stop"], cwd=self.home.folder, timeout=60, check=False)

    def close(self) -> None:
        """Stop everything."""
        with self._running:
            self.database.close()

    def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until the condition holds; if it doesn't, say what all have to say."""
        wait_for(condition, seconds, what, self.tell)

    def tell(self) -> str:
        """What the daemons and the clients say."""
        logs = [*self.home.log_dir.glob("*.log")]
        said = [f"--- {log}\n{log.read_text(errors='replace')[-_SAID:]}" for log in logs]
        return "\n".join([*said, *(client.log()[-_SAID:] for client in self.clients)])

    def _call_setup(self, *options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pymw.server.setup.cli", "--project-home", str(self.home.folder)]
        return subprocess.run(
            [*command, *map(str, options)], capture_output=True, text=True, timeout=300, check=False
        )

    def _if_there(self) -> tuple[str, ...]:
        return ("--upgrade",) if self.home.facts.exists() else ()

    def _ask(self) -> None:
        while not self._closing.wait(_ASK):
            for client in self.clients:
                client.update()


def wanted() -> Path | None:
    """The project to test with, None if there is none."""
    return Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None
