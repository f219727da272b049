"""The embedded project as a backend: another process serves it, we share its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pymw_worker import names

from pymw import key_files
from pymw.boinc import attempts, workunits
from pymw.boinc.backend import Backend, Ended, Job
from pymw.project.layout import Layout
from pymw.project.project import Finished, Project, Success


class EmbeddedBackend(Backend):
    """A project that `pymw project create` made."""

    def __init__(self, folder: Path) -> None:
        """Open it. Raises ProjectError."""
        self._project = Project.open(folder)
        self._sequence = 0

    def task_keys(self) -> tuple[tuple[bytes, ...], Path | None]:
        """The key in the project's folder."""
        secret = Layout(self._project.folder).task_key
        if self._project.settings.unsigned or not secret.with_suffix(".pub").exists():
            return (), None
        return (key_files.read_public(secret).public,), secret if secret.exists() else None

    def stage(self, bundle: bytes, batch: str) -> str:
        """Put a code bundle where volunteers get it; the project itself knows when no job needs it."""
        return self._project.stage(bundle, "bundle")

    def submit(self, jobs: Sequence[Job], batch: str) -> None:
        """Stage the arguments, and submit."""
        staged = self._project.stage_all([job.arguments for job in jobs], "arguments")
        self._project.submit(
            workunits.workunit(job, given, batch) for job, given in zip(jobs, staged, strict=True)
        )

    def news(self, seconds: float) -> list[Ended]:
        """Jobs that have ended, whoever submitted them."""
        if not self._project.wait_for_news(self._sequence, seconds):
            return []
        found = self._project.finished_since(self._sequence)
        if found:
            self._sequence = found[-1].sequence
        return [_ended(one) for one in found]

    def working(self, names: Sequence[str]) -> dict[str, str]:
        """Jobs in progress, and the numbers of the computers that have them."""
        states = self._project.state_of(names)
        return {name: _hosts(state.hosts) for name, state in states.items() if state.hosts}

    def known(self, names: Sequence[str]) -> set[str]:
        """Jobs that the project knows."""
        cancelled = {each.name for each in self.ended(names) if each.cancelled}
        return set(self._project.state_of(names)) - cancelled

    def ended(self, names: Sequence[str]) -> list[Ended]:
        """Jobs that have ended."""
        return [_ended(one) for one in self._project.finished(names)]

    def cancel(self, names: Sequence[str]) -> None:
        """Cancel workunits."""
        self._project.cancel(names)

    def forget(self, batch: str) -> None:
        """Cancel workunits of a batch, and remove all of them and their files."""
        self._project.cancel(batch=batch)
        self._project.forget(batch)

    def status(self) -> dict[str, Any]:
        """The project's counts."""
        return asdict(self._project.counts())

    def close(self) -> None:
        """Close the database."""
        self._project.close()


def _ended(one: Finished) -> Ended:
    outcome = one.outcome
    if isinstance(outcome, Success):
        files = outcome.files
        return Ended(one.name, files.get(names.RESULT), files.get(names.LOG), by=attempts.facts(outcome.by))
    return attempts.failed(one.name, outcome.mask, outcome.attempts)


def _hosts(hosts: Sequence[int]) -> str:
    return "computer " + ", ".join(str(host) for host in hosts)
