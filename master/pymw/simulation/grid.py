"""The clock of a simulated grid, and who is free."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from itertools import chain
from math import inf

from pymw.simulation.statistics import summary
from pymw.simulation.worker import SimWorker


class Grid:
    """Workers by the time at which they are free. Not safe for several threads by itself.

    Whoever hands out tasks in order takes `earliest` workers, and the clock follows. Whoever chooses among
    the workers that are free asks for `available` ones, reserves one, or lets the clock `advance`.
    """

    def __init__(self, seed: object) -> None:
        self.now = 0.0
        self.workers: list[SimWorker] = []
        self.unfailing = True
        self._seed = seed
        # Those who are free later, or whose availability has to be looked up before they are used.
        self._later: list[tuple[float, int, SimWorker]] = []
        self._free: dict[int, SimWorker] = {}
        self._lapses: list[tuple[float, int]] = []  # until when free workers are available; may be outdated

    def add(self, worker: SimWorker) -> None:
        """Add a worker, which is free from the start."""
        worker.join(len(self.workers), self._seed)
        self.workers.append(worker)
        self.unfailing = self.unfailing and worker.unfailing
        self.release(worker)

    def release(self, worker: SimWorker) -> None:
        """A worker has finished, at its own time. It takes part again as soon as it is available, if ever."""
        worker.advance_wall_time(0.0)
        if worker._cur_time < inf:
            heappush(self._later, (worker._cur_time, worker._number, worker))

    @property
    def dead(self) -> bool:
        """Whether no worker will ever be free again."""
        return not self._later and not self._free

    def next_start(self) -> float:
        """When the earliest worker can start something; inf if none ever can."""
        for worker in self._free.values():
            self._put_off(worker)
        self._free.clear()
        while self._later:
            moment, number, worker = self._later[0]
            if moment >= self.now:
                return moment
            # It has been free for a while. Whether it is available now is another question.
            worker._cur_time = worker.available_from(self.now)
            if worker._cur_time == inf:
                heappop(self._later)
            else:
                heapreplace(self._later, (worker._cur_time, number, worker))
        return inf

    def earliest(self) -> SimWorker | None:
        """Take the worker that can start first, and set the clock to that time; None if there is none."""
        moment = self.next_start()
        if moment == inf:
            return None
        self.now = moment
        return heappop(self._later)[2]

    def available(self) -> list[SimWorker]:
        """All who are free and available now, in the order in which they became so."""
        while self._lapses and self._lapses[0][0] <= self.now:
            number = heappop(self._lapses)[1]
            lapsed = self._free.get(number)
            if lapsed is not None and lapsed.available_from(self.now) > self.now:
                self._put_off(self._free.pop(number))
        while self._later and self._later[0][0] <= self.now:
            _, number, worker = heappop(self._later)
            if worker.available_from(self.now) > self.now:
                self._put_off(worker)
                continue
            self._free[number] = worker
            lapse = worker.available_until(self.now)
            if lapse < inf:
                heappush(self._lapses, (lapse, number))
        return list(self._free.values())

    def reserve(self, worker: SimWorker) -> bool:
        """Take one of those that are available, for a task that starts now; returns whether it was one."""
        if self._free.pop(worker._number, None) is None:
            return False
        worker._cur_time = self.now
        return True

    def advance(self, before: float = inf) -> bool:
        """Set the clock to when the next worker is free, or to `before` if that is earlier.

        Returns False if neither ever comes.
        """
        moment = min(before, self._later[0][0] if self._later else inf)
        if moment == inf:
            return False
        self.now = max(self.now, moment)
        return True

    def figures(self) -> dict[str, float]:
        """What there is to say about the workers and the tasks that they finished."""
        walls = list(chain.from_iterable(worker._task_wall_times for worker in self.workers))
        cpus = list(chain.from_iterable(worker._task_cpu_times for worker in self.workers))
        return {
            "num_total_workers": len(self.workers),
            "num_lost_workers": sum(worker._cur_time == inf for worker in self.workers),
            "num_executed_tasks": len(walls),
            "num_lost_attempts": sum(worker._lost_attempts for worker in self.workers),
            "lost_wall_time": sum(worker._lost_time for worker in self.workers),
            "cur_sim_time": self.now,
            **summary(walls, "wall_time"),
            **summary(cpus, "cpu_time"),
        }

    def _put_off(self, worker: SimWorker) -> None:
        """Let a free worker wait until it is available, from now on."""
        worker._cur_time = self.now
        self.release(worker)
