"""What is known of a task once its time is computed."""

from __future__ import annotations

from typing import NamedTuple

from pymw.ending import Ending


class Execution(NamedTuple):
    """The value of a simulated task: who did it, and when. All times are simulated seconds.

    worker: its name. start, finish: since the start of the simulation. wall: from start to finish. cpu: what
    the task's function returned.
    """

    worker: str
    start: float
    finish: float
    wall: float
    cpu: float


class Loss(NamedTuple):
    """Why a worker did not finish a task.

    moment: when, in simulated seconds. status: as an Ending's. words: one sentence.
    """

    moment: float
    status: str
    words: str


class SimulatedEnding(Ending):
    """An ending whose facts are made from its Execution when they are asked for.

    A million tasks would spend more time and memory on dictionaries of text than on all the rest.
    """

    __slots__ = ()

    @property
    def facts(self) -> dict[str, str]:
        """worker, and start, finish, elapsed and cpu in simulated seconds; empty if it never began."""
        done = self.value
        if done is None:
            return {}
        numbers = {"start": done.start, "finish": done.finish, "elapsed": done.wall, "cpu": done.cpu}
        return {"worker": done.worker, **{name: repr(number) for name, number in numbers.items()}}

    @facts.setter
    def facts(self, facts: dict[str, str]) -> None:
        """Ending's own __init__ sets them."""
