"""What the BOINC interface needs of a project, whichever kind it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Demand:
    """What is asked of volunteers for a job.

    target_nresults: computers that get it at first. min_quorum: equal results that are needed. max_nbytes: of
    the result, bytes. delay_bound: seconds until another computer gets it.
    """

    target_nresults: int = 1
    min_quorum: int = 1
    max_nbytes: int = 64 << 20
    delay_bound: float = 7 * 86400.0


@dataclass(frozen=True)
class Job:
    """A task as a project gets it.

    name: known for ever. bundle: name of the staged code bundle. arguments: bytes of the arguments file.
    command_line: for the launcher and the worker.
    """

    name: str
    bundle: str
    arguments: bytes = field(repr=False)
    command_line: str
    demand: Demand


@dataclass(frozen=True)
class Ended:
    """A job has ended.

    result, log: the files of the canonical result; None if it failed. reason: why it failed, in one sentence.
    exit_status: of the last attempt, None if there was none. stderr: what volunteers' clients sent of it. by:
    facts about who did the work: host, platform, cpu, elapsed.
    """

    name: str
    result: Path | None = None
    log: Path | None = None
    reason: str = ""
    exit_status: int | None = None
    stderr: str = ""
    cancelled: bool = False
    by: dict[str, str] = field(default_factory=dict)


class Backend(ABC):
    """A project. Any thread may use it. All methods raise ProjectError or InterfaceError."""

    @abstractmethod
    def task_keys(self) -> tuple[tuple[bytes, ...], Path | None]:
        """The public keys (32 bytes each) whose tasks volunteers run, and the file of a secret one.

        None in the first: tasks are not signed. None for the second: it is kept elsewhere.
        """

    def demand(self) -> Demand:
        """What is asked of volunteers for a job whose program says nothing else."""
        return Demand()

    @abstractmethod
    def stage(self, bundle: bytes, batch: str) -> str:
        """Put a code bundle where volunteers get it, until the batch is forgotten; returns its name there."""

    @abstractmethod
    def submit(self, jobs: Sequence[Job], batch: str) -> None:
        """Submit jobs. One whose name is there already is passed over."""

    @abstractmethod
    def news(self, seconds: float) -> list[Ended]:
        """Jobs that have ended since the last call, perhaps other programs' too; waits so long for some."""

    @abstractmethod
    def working(self, names: Sequence[str]) -> dict[str, str]:
        """Those of these jobs that volunteers are working on, and who."""

    @abstractmethod
    def known(self, names: Sequence[str]) -> set[str]:
        """Those of these jobs that were submitted, by whatever program, and not cancelled or forgotten."""

    @abstractmethod
    def ended(self, names: Sequence[str]) -> list[Ended]:
        """Those of these jobs that have ended, whenever that was."""

    @abstractmethod
    def cancel(self, names: Sequence[str]) -> None:
        """Stop these jobs; volunteers hear of it when they ask next."""

    @abstractmethod
    def forget(self, batch: str) -> None:
        """Cancel what is left of a batch, and remove all of it."""

    @abstractmethod
    def status(self) -> dict[str, Any]:
        """What there is to say about the project."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the project."""
