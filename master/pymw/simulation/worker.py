"""A simulated worker."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from math import inf

from pymw import ending
from pymw.errors import WorkerDied
from pymw.simulation.availability import Availability
from pymw.simulation.record import Loss


class SimWorker:
    """A computer of the grid: its speed, when it is to be had, how it fails, and how far its time has come.

    Time is in simulated seconds. Workers sort by the time at which they are free.
    """

    def __init__(
        self,
        worker_name: str,
        worker_speed: float,
        worker_avail_lens: Sequence[float],
        worker_avail_fracs: Sequence[float],
        *,
        wrap: bool = True,
        failure_rate: float = 0.0,
        gaps_fail: bool = False,
    ) -> None:
        """A worker that is not part of a grid yet.

        worker_speed: CPU seconds that it works in one second, if a task has it to itself; 0: it never
        finishes anything. worker_avail_lens, worker_avail_fracs: for how many seconds a task gets what
        fraction of it, 0 to 1. wrap: begin anew after the last of these intervals, instead of being gone for
        good. failure_rate: how often it loses the task that it works on, per second, on average. gaps_fail:
        whether an interval with fraction 0 loses the task, instead of making it wait. Raises ValueError.
        """
        if not 0 <= worker_speed < inf:
            raise ValueError(f"the speed of worker {worker_name} is {worker_speed}: it must be 0 or more")
        if not 0 <= failure_rate < inf:
            raise ValueError(f"failure_rate is {failure_rate}: it must be a number of failures per second")
        self._name = worker_name
        self._speed = worker_speed
        self._availability = Availability(worker_avail_lens, worker_avail_fracs, wrap)
        self._failure_rate = failure_rate
        self._gaps_fail = gaps_fail
        self._cur_time = 0.0
        self._number = 0
        self._random = random.Random(0) if failure_rate else None
        self._task_wall_times = array("d")
        self._task_cpu_times = array("d")
        self._lost_attempts = 0
        self._lost_time = 0.0

    def join(self, number: int, seed: object) -> None:
        """Become worker `number` of a grid. Its failures follow from that and the seed alone."""
        self._number = number
        if self._random is not None:
            self._random = random.Random(f"{seed} {number}")

    @property
    def unfailing(self) -> bool:
        """Whether it finishes whatever it begins."""
        available = self._availability.wrap and self._availability.next_available(0.0) < inf
        return bool(available and self._speed and not self._failure_rate and not self._gaps_fail)

    def run_cpu(self, cpu_secs: float) -> float:
        """Work `cpu_secs` CPU seconds; returns how many seconds that took.

        Raises WorkerDied if it is not finished, at the time at which it is lost.
        """
        start = self._cur_time
        loss = self.perform(cpu_secs)
        if loss is not None:
            raise WorkerDied(loss.words)
        return self._cur_time - start

    def perform(self, cpu_secs: float, limit: float | None = None) -> Loss | None:
        """Work on a task until it is finished, or lost: then the return value says why.

        limit: seconds after which it is stopped.
        """
        start = self._cur_time
        end = self._availability.finish(start, cpu_secs / self._speed) if self._speed else inf
        if not cpu_secs:
            end = start
        if end == inf or limit is not None or self._failure_rate or self._gaps_fail:
            loss = self._first_loss(start, end, limit)
            if loss is not None:
                self._cur_time = loss.moment
                self._lost_attempts += 1
                self._lost_time += loss.moment - start if loss.moment < inf else 0.0
                return loss
        self._cur_time = end
        self._task_wall_times.append(end - start)
        self._task_cpu_times.append(cpu_secs)
        return None

    def advance_wall_time(self, wall_secs: float) -> None:
        """Let it rest for that long, and on until it is available; for ever, if it never is again."""
        self._cur_time = self._availability.next_available(self._cur_time + wall_secs)

    def available_from(self, moment: float) -> float:
        """The first time from `moment` on at which it is available; inf: never."""
        return self._availability.next_available(moment)

    def available_until(self, moment: float) -> float:
        """When it will stop being available, if it is so at `moment`; inf: never."""
        return self._availability.next_gap(moment)

    def past_sim_time(self, sim_time: float) -> bool:
        """Whether it is free at that time."""
        return sim_time >= self._cur_time

    def _first_loss(self, start: float, end: float, limit: float | None) -> Loss | None:
        """What happens first, of all that keeps a task from ending at `end`."""
        losses = []
        if limit is not None and start + limit < end:
            words = f"the task ran for more than its limit of {limit:g} s on worker {self}, and was stopped"
            losses.append(Loss(start + limit, ending.LATE, words))
        if self._random is not None:
            self._add_loss(losses, start + self._random.expovariate(self._failure_rate), "failed")
        if self._gaps_fail:
            gap = self._availability.next_gap(start)
            # A task that ends as the gap begins is finished, whatever the last digit says.
            self._add_loss(losses, gap if gap < end * (1 - 1e-13) else inf, "became unavailable")
        if end == inf:
            losses.append(self._never(start))
        first = min(losses, default=None)
        return first if first is not None and (first.moment < end or end == inf) else None

    def _add_loss(self, losses: list[Loss], moment: float, what: str) -> None:
        if moment < inf:
            words = f"worker {self} {what} at {moment:g} s of simulated time, and lost the task"
            losses.append(Loss(moment, ending.DIED, words))

    def _never(self, start: float) -> Loss:
        """Why it would work on a task for ever."""
        if not self._speed:
            return Loss(inf, ending.DIED, f"worker {self} has speed 0, and never finishes a task")
        if self._availability.wrap or self._availability.next_available(start) == inf:
            return Loss(inf, ending.DIED, f"worker {self} never finishes the task")
        end = max(start, self._availability.last)
        words = (
            f"worker {self} was gone for good at {end:g} s of simulated time, before the task was finished"
        )
        return Loss(end, ending.DIED, words)

    def __lt__(self, other: SimWorker) -> bool:
        return (self._cur_time, self._number) < (other._cur_time, other._number)

    def __str__(self) -> str:
        return self._name

    __repr__ = __str__
