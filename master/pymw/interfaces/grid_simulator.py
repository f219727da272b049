"""Tasks on a desktop grid that is simulated, to try scheduling policies before there is a real one.

A task's function does not do the work: it is called in this process with the worker, and returns how many CPU
seconds the work would take on it. Simulated time passes as fast as that can be computed.

    grid = GridSimulatorInterface()
    grid.generate_workers(100, speed, availability)
    with pymw.Master(grid) as master:
        with grid.hold():
            tasks = [master.submit(cpu_seconds, n) for n in range(1000)]
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.errors import InterfaceError
from pymw.interfaces.base import Interface, Task
from pymw.simulation import traces
from pymw.simulation.attempt import attempt
from pymw.simulation.grid import Grid
from pymw.simulation.record import Execution
from pymw.simulation.traces import TraceSource
from pymw.simulation.worker import SimWorker

__all__ = ["Execution", "GridSimulatorInterface", "SimWorker"]

_NO_WORKERS = "the simulated grid has no workers; add some before the first task, with generate_workers"
_DEAD = "no worker of the simulated grid will ever be available again"


class GridSimulatorInterface(Interface):
    """A simulated grid. The value of a task is its Execution: worker, start, finish, wall and cpu seconds.

    Without a scheduler function each task starts on the worker that is free first, in order of submission.
    With one, simulated time stands still while it finds matches, and goes on to when the next worker is free
    when it finds none or there is no worker.
    """

    in_process = True

    def __init__(
        self,
        trace_files: Iterable[TraceSource] = (),
        *,
        wrap: bool = True,
        failure_rate: float = 0.0,
        gaps_fail: bool = False,
        seed: object = 0,
    ) -> None:
        """A grid with the workers of these traces, or with none yet.

        trace_files: see read_workers_from_fta_tab_files. wrap, failure_rate, gaps_fail: of the workers that
        it makes, see SimWorker. seed: of the random failures; a run with the same seed has the same ones.
        Raises ValueError, OSError.
        """
        self._new = {"wrap": wrap, "failure_rate": failure_rate, "gaps_fail": gaps_fail}
        self._grid = Grid(seed)
        self._lock = threading.RLock()  # a task's function may ask for the status
        self._losses: list[tuple[float, int, Task, Ending]] = []  # attempts that fail later
        self._numbers = count()
        self._holds = 0
        self._hasty = True  # whether several tasks may be started before it is known how the first one ends
        self._makespan = 0.0
        for trace_file in trace_files:
            self.read_workers_from_fta_tab_files(trace_file)

    # The grid.

    def add_worker(self, worker: SimWorker) -> None:
        """Add a worker, free from the start of the simulation."""
        with self._lock:
            self._grid.add(worker)
            self._hasty = self._hasty and self._grid.unfailing
        self._go_on()

    def generate_workers(
        self,
        num_workers: int,
        speed_func: Callable[[int], float],
        avail_func: Callable[[int], tuple[Sequence[float], Sequence[float]]],
    ) -> None:
        """Add workers W0, W1, ...

        speed_func: gets the number of a worker and returns its speed. avail_func: gets it and returns the
        lengths of intervals in seconds, and the fraction of the worker, 0 to 1, that is to be had in each.
        Raises ValueError.
        """
        for number in range(num_workers):
            speed = speed_func(number)
            lengths, fractions = avail_func(number)
            self.add_worker(SimWorker(f"W{number}", speed, lengths, fractions, **self._new))  # type: ignore[arg-type]

    def read_workers_from_fta_tab_files(
        self,
        event_trace_file: TraceSource,
        num_workers: int | None = None,
        speed_func: Callable[[int], float] = lambda number: 1.0,
    ) -> None:
        """Add the nodes of an event trace of the Failure Trace Archive, by their node ids.

        event_trace_file: an event_trace.tab: a path, an open file, or its lines. num_workers: take so many
        nodes, those that come first; None: all. speed_func: as in generate_workers. Raises ValueError,
        OSError.
        """
        nodes = traces.read(event_trace_file, num_workers)
        for number, (node, (lengths, fractions)) in enumerate(nodes.items()):
            self.add_worker(SimWorker(node, speed_func(number), lengths, fractions, **self._new))  # type: ignore[arg-type]

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let simulated time stand still inside a `with` block, while tasks are submitted.

        A scheduler function then chooses among all of them from the start. Without it, what it gets to see
        first depends on how fast the program submits, and two runs may differ.
        """
        with self._lock:
            self._holds += 1
        try:
            yield
        finally:
            with self._lock:
                self._holds -= 1
            self._go_on()

    def get_status(self) -> dict[str, Any]:
        """Figures of the simulation so far; times are simulated seconds.

        num_total_workers, num_lost_workers (that never come back), num_executed_tasks, num_lost_attempts,
        lost_wall_time (what was spent on those), cur_sim_time, makespan (when the last of the finished tasks
        finishes), and total, mean, median and stddev of the finished tasks' wall and CPU times, as
        mean_wall_time and so on.
        """
        with self._lock:
            return {**self._grid.figures(), "makespan": self._makespan}

    # What a master asks, also by the original's names.

    def get_available_workers(self) -> list[SimWorker]:
        """The workers that are free at the current simulated time. Raises InterfaceError if none ever is."""
        with self._lock:
            if self._holds:
                return []
            workers = self._grid.available()
            if not workers:
                self._check_alive()
            return workers

    def reserve_worker(self, worker: SimWorker) -> bool:
        """Take one of get_available_workers; returns whether it was one of them."""
        with self._lock:
            return self._grid.reserve(worker)

    def worker_finished(self, worker: SimWorker) -> None:
        """A worker that was reserved is free again, at its own time."""
        with self._lock:
            self._grid.release(worker)

    def try_avail_check_again(self) -> bool:
        """Let the time go on to when something changes; returns False if nothing ever does."""
        with self._lock:
            if self._holds:
                return False
            moved = self._grid.advance(before=self._losses[0][0] if self._losses else inf)
            lost = self._lost_by(self._grid.now)
        if lost:
            self.listener.ended(lost)
        return moved

    def no_match(self) -> bool:
        """As try_avail_check_again."""
        return self.try_avail_check_again()

    def no_task(self) -> bool:
        """Let the time go on to the next failed attempt; returns False if there is none."""
        with self._lock:
            if self._holds or not self._losses:
                return False
            self._grid.now = max(self._grid.now, self._losses[0][0])
            lost = self._lost_by(self._grid.now)
        self.listener.ended(lost)
        return True

    def room(self) -> int:
        """How many tasks to start next. Raises InterfaceError if no worker is ever free."""
        with self._lock:
            if self._holds:
                return 0
            lost = self._lost_by(self._grid.next_start()) if self._losses else []
            if not lost:
                self._check_alive()
            # A task that fails may have to be tried again before the next one is started.
            room = max(1, len(self._grid.workers)) if self._hasty else 1
        if lost:
            self.listener.ended(lost)
        return room

    def start(self, tasks: list[Task]) -> None:
        """Compute when these tasks end."""
        ended: list[tuple[Task, Ending]] = []
        with self._lock:
            for task in tasks:
                self._hasty = self._hasty and task.options.timeout is None
                worker = self._take(task.worker)
                if worker is None:
                    ended.append((task, Ending(ending.REFUSED, error=InterfaceError(_DEAD))))
                    continue
                end = self._begin(task, worker)
                self._grid.release(worker)
                if end is not None:
                    ended.append((task, end))
        self.listener.ended(ended)

    def cancel(self, task: Task) -> None:
        """What has been computed stays, and nobody will ask for it."""

    def close(self) -> None:
        """There is nothing to stop."""

    # How it is done.

    def _take(self, chosen: SimWorker | None) -> SimWorker | None:
        """The worker of a task that starts now, reserved."""
        if chosen is not None and self._grid.reserve(chosen):
            return chosen
        return self._grid.earliest()

    def _begin(self, task: Task, worker: SimWorker) -> Ending | None:
        """How a task ends on a worker; None if that is to be told later, or nobody wants to know."""
        end = attempt(task, worker)
        if end is None:
            return None
        moment = worker._cur_time
        if end.error is None:
            self._makespan = max(self._makespan, moment)
        elif self._grid.now < moment < inf:
            heappush(self._losses, (moment, next(self._numbers), task, end))
            return None
        return end

    def _lost_by(self, moment: float) -> list[tuple[Task, Ending]]:
        """The attempts that have failed by then, to be reported."""
        lost = []
        while self._losses and self._losses[0][0] <= moment:
            _, _, task, end = heappop(self._losses)
            lost.append((task, end))
        return lost

    def _check_alive(self) -> None:
        if self._grid.dead and not self._losses:
            raise InterfaceError(_DEAD if self._grid.workers else _NO_WORKERS)

    def _go_on(self) -> None:
        listener = getattr(self, "listener", None)
        if listener is not None:
            listener.room_again()
