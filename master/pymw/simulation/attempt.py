"""One attempt of a worker at a task."""

from __future__ import annotations

from typing import Any

from pymw import ending
from pymw.ending import Ending
from pymw.errors import TimeLimitExceeded, WorkerDied
from pymw.future import Future
from pymw.simulation.record import Execution, Loss, SimulatedEnding
from pymw.simulation.worker import SimWorker
from pymw.work import Work


def attempt(task: Future[Any], worker: SimWorker) -> Ending | None:
    """Let a worker do a task, from its own time on; None if nobody wants the task any more.

    The task's function is called with the worker and the task's arguments.
    """
    call = task.call
    # Not listener.started, which begins to watch time limits: they are in simulated seconds here.
    if not task.run(worker) or call is None:
        return None
    start = worker._cur_time
    try:
        cpu = _seconds(task.work.function(worker, *call[0], **call[1]), task.work)
    except BaseException as error:
        return SimulatedEnding(ending.EXCEPTION, error=error)
    loss = worker.perform(cpu, task.options.timeout)
    finish = worker._cur_time
    done = Execution(worker._name, start, finish, finish - start, cpu)
    if loss is None:
        return SimulatedEnding(ending.VALUE, value=done)
    return SimulatedEnding(loss.status, message=loss.words, error=_error(loss), value=done)


def _seconds(given: Any, work: Work) -> float:
    """The CPU seconds that a task's function returned. Raises TypeError or ValueError."""
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        kind = type(given).__name__
        raise TypeError(f"{work.name} returned a {kind}: it must return CPU seconds, a number") from None
    if not seconds >= 0:
        raise ValueError(f"{work.name} returned {seconds:g}: it must return CPU seconds, a number from 0 up")
    return seconds


def _error(loss: Loss) -> Exception:
    return TimeLimitExceeded(loss.words) if loss.status == ending.LATE else WorkerDied(loss.words)
