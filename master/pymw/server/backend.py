"""A project of the stock BOINC server as a backend, for a program on the server or where its folders are.

Jobs go through BOINC's create_work; what has ended comes from TASK_DIR, where pymw_assimilator puts it; what
is under way is in the project's database.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymw_packager.names import APP

from pymw.boinc import workunits
from pymw.boinc.backend import Backend, Demand, Ended, Job
from pymw.errors import ProjectError
from pymw.server import create_work, facts, jobs_table, templates
from pymw.server.home import ASSIMILATOR, ServerHome
from pymw.server.jobs_table import JobsTable
from pymw.server.setup import running
from pymw.server.setup.daemons import TRIVIAL, words_of
from pymw.server.staging import Bundle, Staging
from pymw.server.task_folder import Batch, TaskFolder, batch_of

_POLL = 0.1  # seconds between looks into the journals
_CHECK = 30.0  # seconds between looks at what could keep news from coming
_NEEDED = ("feeder", "transitioner", ASSIMILATOR)

log = logging.getLogger("pymw")


class ServerBackend(Backend):
    """A project that `pymw_setup` has prepared."""

    def __init__(self, home: ServerHome) -> None:
        """Open it. Raises ProjectError, in one sentence, if it cannot be used."""
        self._home = home
        self._facts = facts.read(home.facts)
        self._folder = TaskFolder(home.task_dir)
        _check_folders(home, self._folder)
        self._table = JobsTable(home.database)
        app = self._table.app(APP)
        if app is None:
            self._table.close()
            raise ProjectError(f"the project {home.folder} has no application {APP}: run pymw_setup there")
        self._app = app
        self._staging = Staging(home, self._folder)
        self._bundles: dict[str, Bundle] = {}
        self._templates: dict[Demand, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._batches: dict[str, Batch] = {}
        self._next_check = time.monotonic() + _CHECK
        self._stopped = frozenset[str]()

    def task_keys(self) -> tuple[tuple[bytes, ...], Path | None]:
        """The keys that pymw_setup was given; the secret one is its owner's."""
        return tuple(bytes.fromhex(key) for key in self._facts.task_keys), None

    def demand(self) -> Demand:
        """As many equal results as pymw_setup was told."""
        return Demand(target_nresults=self._facts.min_quorum, min_quorum=self._facts.min_quorum)

    def stage(self, bundle: bytes, batch: str) -> str:
        """Put a code bundle into the download folder."""
        staged = self._staging.bundle(bundle, batch)
        self._bundles[staged.name] = staged
        return staged.name

    def submit(self, jobs: Sequence[Job], batch: str) -> None:
        """Stage the arguments, create the workunits, and see whether they are there."""
        self._folder.create(batch)
        self._know(batch)
        end = time.monotonic() + jobs_table.PATIENCE
        while fresh := self._not_there(jobs):
            lines = [self._line(job, batch) for job in fresh]
            self._staging.arguments(fresh, batch)
            said = create_work.run(self._home.folder, lines)
            missing = self._not_there(fresh)
            if not missing:
                self._staging.created(batch)
            elif not create_work.may_work_later(said) or time.monotonic() > end:
                self._staging.created(batch, [job.name for job in missing])
                raise ProjectError(f"BOINC's create_work made no workunit {missing[0].name}: {said}")

    def news(self, seconds: float) -> list[Ended]:
        """Jobs that have ended, of the batches of this program."""
        end = time.monotonic() + seconds
        while True:
            found = [ended for batch in self._known() for ended in self._heard(batch)]
            if time.monotonic() >= self._next_check:
                found += self._check()
                self._next_check = time.monotonic() + _CHECK
            left = end - time.monotonic()
            if found or left <= 0:
                return found
            time.sleep(min(_POLL, left))

    def working(self, names: Sequence[str]) -> dict[str, str]:
        """Jobs with results in progress, and the numbers of the computers that have them."""
        found = self._table.working(names)
        return {name: f"computer {', '.join(map(str, hosts))}" for name, hosts in found.items()}

    def known(self, names: Sequence[str]) -> set[str]:
        """Jobs that are under way in the database, or have ended in TASK_DIR. Their batches are watched."""
        batches = {batch_of(name) for name in names}
        there = [name for name in names if self._folder.batch(batch_of(name)).exists()]
        for batch in batches:
            if self._folder.batch(batch).exists():
                self._know(batch)
        # The database first: a job leaves it for the journal.
        return self._table.open(there) | {each.name for each in self.ended(there) if not each.cancelled}

    def ended(self, names: Sequence[str]) -> list[Ended]:
        """Jobs that the journals have."""
        asked = set(names)
        batches = {batch_of(name) for name in names}
        return [each for name in batches for each in self._folder.batch(name).news() if each.name in asked]

    def cancel(self, names: Sequence[str]) -> None:
        """Cancel workunits; clients that have them hear of it when they ask next."""
        self._table.cancel(names)

    def forget(self, batch: str) -> None:
        """Cancel what has not ended, and remove the batch's folder and the bundles that it alone needed."""
        with self._lock:
            self._batches.pop(batch, None)
        self._table.cancel_batch(batch)
        unsure = self._staging.unsure(batch)
        there = self._table.there(unsure)
        self._staging.created(batch, [name for name in unsure if name not in there])
        self._staging.remove(batch)

    def status(self) -> dict[str, Any]:
        """Counts of this program's jobs; the application's versions; which daemons run, if that is known."""
        counts = dict.fromkeys(("unsent", "in_progress", "done", "failed"), 0)
        with self._lock:
            names = list(self._batches)
        for name in names:
            for what, number in self._table.counts(name).items():
                counts[what] += number
        return {
            **counts,
            "app_versions": dict(self._table.app_versions(self._app)),
            "daemons": self._running(),
        }

    def batches(self) -> dict[str, dict[str, int]]:
        """The counts of every batch in TASK_DIR, whosoever it is."""
        names = sorted(path.name for path in self._folder.path.glob("[!.]*") if path.is_dir())
        return {name: self._table.counts(name) for name in names}

    def close(self) -> None:
        """Let go of the database."""
        self._table.close()

    def _line(self, job: Job, batch: str) -> bytes:
        arguments = self._staging.arguments_name(job.name)
        unit = workunits.workunit(job, arguments, batch)
        unit.check()
        if job.demand not in self._templates:
            self._check_quorum(job.demand)
            self._templates[job.demand] = templates.written(self._home.folder, unit)
        bundle = self._bundles[job.bundle]
        inputs = (create_work.elsewhere(bundle.url, bundle.nbytes, bundle.md5), arguments)
        return create_work.line(job.name, self._templates[job.demand], job.command_line, inputs)

    def _check_quorum(self, demand: Demand) -> None:
        validators = [words for words in map(words_of, self._home.daemons) if words and APP in words]
        if demand.min_quorum > 1 and any(Path(words[0]).name == TRIVIAL for words in validators):
            raise ProjectError(
                f"{demand.min_quorum} equal results are asked for, but the project's {TRIVIAL} compares"
                f" none: run pymw_setup --upgrade --quorum {demand.min_quorum} on the server"
            )

    def _running(self) -> dict[str, bool]:
        """Whether each daemon of this computer runs, by its program."""
        return {each.daemon.program: each.pid is not None for each in running.here(self._home)}

    def _not_there(self, jobs: Sequence[Job]) -> list[Job]:
        there = self._table.there([job.name for job in jobs])
        return [job for job in jobs if job.name not in there]

    def _know(self, batch: str) -> None:
        with self._lock:
            self._batches.setdefault(batch, self._folder.batch(batch))

    def _known(self) -> list[Batch]:
        with self._lock:
            return list(self._batches.values())

    def _heard(self, batch: Batch) -> list[Ended]:
        found = batch.news()
        if not found and not batch.exists() and batch in self._known():
            raise ProjectError(f"the folder {batch.folder} is gone, and with it the results of this program")
        return found

    def _check(self) -> list[Ended]:
        """Warn of daemons that do not run; returns jobs whose results went elsewhere."""
        try:
            runs = self._running()
        except ProjectError:  # somebody is writing config.xml
            runs = {}
        stopped = frozenset(name for name in _NEEDED if not runs.get(name, True))
        if stopped - self._stopped:
            words = ", ".join(sorted(stopped))
            log.warning("%s does not run: no results come until bin/start in %s", words, self._home.folder)
        self._stopped = stopped
        return [ended for batch in self._known() for ended in self._passed_over(batch)]

    def _passed_over(self, batch: Batch) -> list[Ended]:
        """Jobs that the assimilator is done with, and about which it has written nothing to this TASK_DIR."""
        name = batch.folder.name
        if self._table.assimilated(name) <= len(batch.seen):
            return []
        done = self._table.assimilated_names(name)
        found = batch.news()
        lost = sorted(done - batch.seen)
        batch.seen.update(lost)
        reason = f"the job {{}} has ended, but {ASSIMILATOR} has put nothing into {batch.folder}"
        return found + [Ended(each, reason=reason.format(each)) for each in lost]


def _check_folders(home: ServerHome, folder: TaskFolder) -> None:
    """Raises ProjectError if this program may not submit here."""
    folder.check()
    program = home.folder / "bin" / "create_work"
    if not os.access(program, os.X_OK):
        raise ProjectError(f"{program} is not there, or may not be run: is {home.folder} a whole project?")
    for path in (folder.path, home.download_dir, home.folder / templates.FOLDER):
        if not path.is_dir():
            raise ProjectError(f"the project's folder {path} is not there")
        if not os.access(path, os.W_OK | os.X_OK):
            raise ProjectError(f"{path} cannot be written: programs that submit need to")
