"""Volunteers that ask all the time: played clients, each of which runs its tasks in the real worker."""

from __future__ import annotations

import html
import queue
import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pymw_worker import names

from tests.bench.slot import Slot
from tests.project.played import Played, Reply

_PAUSE = 0.05  # seconds between requests
_PATIENCE = 20.0  # seconds that the worker has to stop a task
_WORKUNIT = re.compile(r"<workunit>\n(.*?)</workunit>", re.DOTALL)
_REFERENCE = re.compile(r"<file_name>(.*?)</file_name>\s*<open_name>(.*?)</open_name>")


class Worker(Played):
    """A volunteer with one processor."""

    def __init__(self, http: httpx.Client, key: str, number: int, folder: Path) -> None:
        super().__init__(http, key, f"{number:032x}")
        self._answers = queue.SimpleQueue[list[str]]()
        self._slot = Slot(folder, number, self._answers.put)
        self._running = ""

    def step(self) -> None:
        """Report and ask; begin with what comes, end what has ended or is not wanted any more."""
        if self._running:
            self._watch()
        reply = self.ask(0 if self._running else 1e-3)
        for task in reply.tasks():
            if not self._running and task.name in self.tasks:
                self._begin(task.name, task.workunit, reply)

    @property
    def busy(self) -> bool:
        """Whether a task runs: then `step` waits for its end."""
        return bool(self._running)

    def stop(self) -> None:
        """End it, with what it runs."""
        self._slot.close()

    def _begin(self, task: str, workunit: str, reply: Reply) -> None:
        text = next(found for found in _WORKUNIT.findall(reply.text) if f"<name>{workunit}</name>" in found)
        for file, logical_name in _REFERENCE.findall(text):
            answer = self.http.get(f"{self.path}download/{file}")
            assert answer.status_code == 200, answer.text
            (self._slot.folder / logical_name).write_bytes(answer.content)
        self._slot.run(shlex.split(html.unescape(Reply(text).value("command_line"))))
        self._running = task

    def _watch(self) -> None:
        task = self._running
        if task not in self.tasks:  # the project has aborted it
            self._slot.cancel()
            answer = self._answers.get(timeout=_PATIENCE)
        else:
            try:
                answer = self._answers.get(timeout=_PAUSE)
            except queue.Empty:
                return
        self._running = ""
        if task not in self.tasks:
            return
        assert answer[0] == "done", answer
        if answer[1] == "0":
            files = self._slot.files()
            self.finish(task, files[names.RESULT], files[names.LOG])
        else:
            self.fail(task, int(answer[1]), self._slot.stderr())


@contextmanager
def crew(url: str, key: str, count: int, folder: Path) -> Iterator[None]:
    """So many volunteers at the project of a URL, until the block ends."""
    stopping = threading.Event()
    problems: list[BaseException] = []

    def live(number: int) -> None:
        with httpx.Client(base_url=url.removesuffix("/pymw/"), timeout=30, trust_env=False) as http:
            worker = Worker(http, key, number, folder)
            try:
                while not stopping.wait(0 if worker.busy else _PAUSE):
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
