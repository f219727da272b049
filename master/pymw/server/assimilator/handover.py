"""From the upload folder and the database to TASK_DIR, some hundreds of workunits at a time.

The order is what makes it safe to kill us at any moment: output files first, under their final names and on
the disk; then lines in the journals of their batches; then the database is told, after which BOINC deletes
its own copies. What was interrupted is done again, and not twice: where the database may not have been told,
the journal is read first.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pymw_worker import durable, names

from pymw.boinc import attempts
from pymw.boinc.backend import Ended
from pymw.errors import ProjectError
from pymw.project.outcomes import Attempt
from pymw.project.states import ErrorMask
from pymw.server import file_system, task_folder
from pymw.server.assimilator import outputs
from pymw.server.assimilator.log import Level, Log
from pymw.server.assimilator.outputs import LostOutput, Output, UnreadableOutput
from pymw.server.assimilator.queue import Canonical, Queue, Workunit
from pymw.server.assimilator.stopping import Stop
from pymw.server.home import ServerHome
from pymw.server.task_folder import Batch, TaskFolder

# Names of BOINC's tools may be anything else, but then no program of ours waits for them.
_NAME = re.compile(r"\w[\w.\-]*_\w+", re.ASCII)
_LONG = 2.0  # seconds that programs wait for the first workunit of a round because of the others
_FEW = 8  # workunits, whose files are synced one by one: others may have much to write on this file system


@dataclass
class _Delivery:
    """What goes into the folder of one batch in this round.

    lines: of its journal, by workunit. done: workunits of which there is no more to hand over.
    """

    batch: Batch
    lines: dict[int, bytes] = field(default_factory=dict)
    done: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.batch.folder.name


class Handover:
    """Hands over workunits that have ended."""

    def __init__(self, home: ServerHome, queue: Queue, folder: TaskFolder, log: Log, stop: Stop) -> None:
        self._home = home
        self._queue = queue
        self._folder = folder
        self._log = log
        self._stop = stop
        self._sure = False  # the database was told of all that journals say, but those of batches in _torn
        self._torn = set[str]()
        self._journaled: dict[str, set[str]] = {}
        self._blocked = set[str]()  # batches that cannot be written to in this sweep

    def begin(self, sure: bool) -> None:
        """A sweep through all workunits begins. sure: the last one came to its end."""
        self._sure = sure
        self._torn, self._blocked = self._blocked, set()
        self._journaled.clear()

    def round(self, workunits: Sequence[Workunit]) -> tuple[int, int]:
        """Hand over these workunits, or the first of them if that takes long or we are to stop.

        Returns how many were looked at, and for how many of these the database was told that they are handed
        over. The others are left as they are, and the log says why. Raises ProjectError if TASK_DIR or the
        database is not there.
        """
        self._folder.check()
        deliveries = self._deliveries(workunits)
        wanted = [each for each in workunits if deliveries[_batch_of(each)]]
        canonical = self._queue.canonical([each for each in wanted if each.canonical])
        tried = self._queue.attempts([each for each in wanted if each.id not in canonical])
        sync = len(wanted) <= _FEW
        done, looked_at, deadline = [], 0, time.monotonic() + _LONG
        for each in workunits:
            if self._stop.wanted() or (looked_at and time.monotonic() > deadline):
                break
            looked_at += 1
            delivery = deliveries[_batch_of(each)]
            if delivery is None:
                self._log.say(Level.DEBUG, f"[{each.name}] no program waits for it")
                done.append(each.id)
            else:
                with self._writing(delivery):
                    self._deliver(delivery, each, canonical.get(each.id), tried.get(each.id, []), sync)
        if not sync:
            self._sync()
        for delivery in filter(None, deliveries.values()):
            with self._writing(delivery):
                self._record(delivery, sync)
            done += delivery.done
        self._queue.mark_done(done)
        return looked_at, len(done)

    def _deliveries(self, workunits: Sequence[Workunit]) -> dict[str, _Delivery | None]:
        """For each batch of these; None for one that no program waits for."""
        found: dict[str, _Delivery | None] = {}
        for name in {_batch_of(each) for each in workunits}:
            delivery = _Delivery(self._folder.batch(name))
            try:
                found[name] = None if not name or self._gone(delivery.batch) else delivery
            except ProjectError as error:
                self._folder.check()
                self._block(delivery, str(error))
                found[name] = delivery
        return found

    def _gone(self, batch: Batch) -> bool:
        """Whether the program has removed a batch. Raises ProjectError if that cannot be known."""
        if batch.exists():
            return False
        self._folder.check()
        return True

    def _deliver(
        self,
        delivery: _Delivery,
        workunit: Workunit,
        result: Canonical | None,
        tried: Sequence[Attempt],
        sync: bool,
    ) -> None:
        if delivery.name in self._blocked:
            return
        if workunit.name in self._recorded(delivery):
            delivery.done.append(workunit.id)
        elif result:
            self._succeeded(delivery, workunit, result, sync)
        else:
            mask = workunit.error_mask or ErrorMask.NO_CANONICAL_RESULT
            self._add(delivery, workunit, attempts.failed(workunit.name, mask, tried))

    def _recorded(self, delivery: _Delivery) -> set[str]:
        """Jobs in the journal of which the database may not know."""
        if self._sure and delivery.name not in self._torn:
            return set()
        if delivery.name not in self._journaled:
            self._journaled[delivery.name] = delivery.batch.recorded()
        return self._journaled[delivery.name]

    def _succeeded(self, delivery: _Delivery, workunit: Workunit, result: Canonical, sync: bool) -> None:
        try:
            ended = self._fetched(delivery.batch, workunit.name, result, sync)
        except UnreadableOutput as error:
            self._log.trouble(workunit.name, f"[{workunit.name}] {error}; it is left for later")
            return
        except LostOutput as error:
            self._log.say(Level.CRITICAL, f"[{workunit.name}] {error}")
            tried = self._queue.attempts([workunit])[workunit.id]
            ended = attempts.lost(workunit.name, str(error), tried)
        self._log.well(workunit.name)
        self._add(delivery, workunit, ended)

    def _fetched(self, batch: Batch, job: str, result: Canonical, sync: bool) -> Ended:
        """Copy the output files of a job."""
        there = outputs.find(result.expected, result.reported)
        if names.RESULT not in there:
            raise LostOutput(f"its output template has no {names.RESULT}")
        file = self._fetch(there[names.RESULT], batch.file(job, task_folder.RESULT), sync)
        log = None
        if names.LOG in there:
            with contextlib.suppress(LostOutput):  # the worker need not have written one
                log = self._fetch(there[names.LOG], batch.file(job, task_folder.LOG), sync)
        return Ended(job, file, log, by=attempts.facts(result.attempt))

    def _fetch(self, output: Output, target: Path, sync: bool) -> Path:
        # A killed predecessor may have left one of this name, and then comes this far again.
        temporary = target.with_name(f".{target.name}{durable.TEMPORARY}")
        temporary.unlink(missing_ok=True)
        try:
            outputs.copy(output, self._home.in_upload(output.name), temporary, sync)
            return temporary.rename(target)
        except BaseException as error:
            temporary.unlink(missing_ok=True)
            if isinstance(error, LostOutput) and not file_system.has_something(self._home.upload_dir):
                raise UnreadableOutput(
                    f"{self._home.upload_dir} is empty, as if its file system were not mounted"
                ) from error
            raise

    def _add(self, delivery: _Delivery, workunit: Workunit, ended: Ended) -> None:
        delivery.lines[workunit.id] = task_folder.line_of(ended)
        self._log.say(Level.DEBUG, f"[{workunit.name}] {ended.reason or 'its result is handed over'}")

    def _sync(self) -> None:
        try:
            file_system.sync(self._folder.path)
        except OSError as error:
            raise ProjectError(f"{self._folder.path} cannot be written: {error.strerror}") from error

    def _record(self, delivery: _Delivery, sync: bool) -> None:
        if not delivery.lines:
            return
        if sync:
            file_system.sync_folder(delivery.batch.folder)
        delivery.batch.record(delivery.lines.values())
        delivery.done += delivery.lines
        if delivery.name not in self._blocked:
            self._log.well(str(delivery.batch.folder))

    @contextlib.contextmanager
    def _writing(self, delivery: _Delivery) -> Iterator[None]:
        """A batch that cannot be written to waits; the others go on."""
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._gone(delivery.batch):
                delivery.done += delivery.lines
                delivery.lines.clear()
                return
            self._block(delivery, f"{delivery.batch.folder} cannot be written: {error.strerror}")

    def _block(self, delivery: _Delivery, sentence: str) -> None:
        self._blocked.add(delivery.name)
        self._log.trouble(str(delivery.batch.folder), f"{sentence}; it is tried again")


def _batch_of(workunit: Workunit) -> str:
    return task_folder.batch_of(workunit.name) if _NAME.fullmatch(workunit.name) else ""
