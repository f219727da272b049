"""Volunteers that ask all the time: played clients, each of which runs its tasks in the real worker."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from pymw_packager.client_process import dies_with_us
from pymw_worker import names

from tests.project.played import Played, Reply

_PAUSE = 0.05  # seconds between requests
_WORKUNIT = re.compile(r"<workunit>\n(.*?)</workunit>", re.DOTALL)
_REFERENCE = re.compile(r"<file_name>(.*?)</file_name>\s*<open_name>(.*?)</open_name>")


class Worker(Played):
    """A volunteer with one processor."""

    def __init__(self, http: httpx.Client, key: str, number: int, folder: Path) -> None:
        super().__init__(http, key, f"{number:032x}")
        self.folder = folder / f"volunteer{number}"
        self._running: tuple[str, Path, subprocess.Popen[bytes]] | None = None

    def step(self) -> None:
        """Report and ask; begin with what comes, end what has ended or is not wanted any more."""
        if self._running is not None:
            self._watch()
        reply = self.ask(1e-3 if self._running is None and not self.tasks else 0)
        for task in reply.tasks():
            if self._running is None and task.name in self.tasks:
                self._begin(task.name, task.workunit, reply)

    def stop(self) -> None:
        """Kill what runs."""
        if self._running is not None:
            self._kill(self._running[2])

    def _begin(self, task: str, workunit: str, reply: Reply) -> None:
        text = next(found for found in _WORKUNIT.findall(reply.text) if f"<name>{workunit}</name>" in found)
        folder = self.folder / task
        folder.mkdir(parents=True)
        for file, logical_name in _REFERENCE.findall(text):
            answer = self.http.get(f"{self.path}download/{file}")
            assert answer.status_code == 200, answer.text
            (folder / logical_name).write_bytes(answer.content)
        words = shlex.split(Reply(text).value("command_line"))
        at = words.index("--python")  # which is for the launcher
        command = [*dies_with_us(), sys.executable, "-m", "pymw_worker", *words[:at], *words[at + 2 :]]
        with (folder / "stderr.txt").open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
            )
        self._running = task, folder, process

    def _watch(self) -> None:
        assert self._running is not None
        task, folder, process = self._running
        if task not in self.tasks:  # the project has aborted it
            self._kill(process)
        status = process.poll()
        if status is None:
            return
        self._running = None
        if task in self.tasks and status == 0:
            outputs = [folder / name for name in (names.RESULT, names.LOG)]
            self.finish(task, *(path.read_bytes() for path in outputs))
        elif task in self.tasks:
            self.fail(task, status, (folder / "stderr.txt").read_text(errors="replace"))
        shutil.rmtree(folder, ignore_errors=True)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        # The worker ends its task; whatever is left dies with the worker.
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def crew(url: str, key: str, count: int, folder: Path) -> Iterator[None]:
    """So many volunteers at the project of a URL, until the block ends."""
    stopping = threading.Event()
    problems: list[BaseException] = []

    def live(number: int) -> None:
        with httpx.Client(base_url=url.removesuffix("/pymw/"), timeout=30, trust_env=False) as http:
            worker = Worker(http, key, number, folder)
            try:
                while not stopping.wait(_PAUSE):
                    worker.step()
            except BaseException as error:
                problems.append(error)
            finally:
                worker.stop()

    threads = [threading.Thread(target=live, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)
    assert problems == []
