"""Map-reduce with the original's names, on tasks of a PyMW_Master."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from pymw_worker import outcome

from pymw.ending import Ending
from pymw.future import Owner
from pymw.original_task import PyMW_Task

Block = list[Any]  # path, first byte, byte after the last


class Master(Protocol):
    """What a PyMW_Master does for us."""

    def inner_task(self, function: Callable[..., Any], args: Any, modules: Any, dep_funcs: Any) -> PyMW_Task:
        """Submit a step, which get_result does not know."""

    def whole_task(self, function: Callable[..., Any], name: str, owner: Owner) -> PyMW_Task:
        """A task that the owner does, and get_result knows."""


class PyMW_MapReduce:
    """Splits data, maps the parts, and reduces what came back."""

    def __init__(self, master: Master) -> None:
        """master: the PyMW_Master whose interface does the work."""
        self._master = master

    def submit_task_mapreduce(
        self,
        exec_map: Callable[[Any], Any],
        exec_reduce: Callable[[Any], Any],
        num_worker: int = 1,
        input_data: Sequence[Any] | None = None,
        modules: Iterable[Any] = (),
        dep_funcs: Iterable[Callable[..., Any]] = (),
        red_worker: int = -1,
        file_input: bool = False,
    ) -> PyMW_Task:
        """Submit a map-reduce; returns a task whose value is the list of what exec_reduce returned.

        exec_map gets one of num_worker parts of input_data. exec_reduce gets the value of one exec_map
        (red_worker -1), or one of red_worker parts of all these values joined, which have to be lists then.
        modules, dep_funcs: as in submit_task. file_input: input_data is a list of lists whose first item is a
        file's path; the files' bytes are split into equal shares, and exec_map gets a list of blocks
        [path, first byte, byte after the last].
        """
        data = list(input_data or ())
        parts = file_parts(data, num_worker) if file_input else split(data, num_worker)
        name = f"{exec_map.__name__}_{exec_reduce.__name__}_MR"
        steps = _Steps(self._master, name, parts, exec_map, exec_reduce, tuple(modules), tuple(dep_funcs))
        return steps.begin(red_worker)


class _Steps(Owner):
    """One map-reduce on its way: a thread waits for the maps, submits the reductions, waits for them."""

    def __init__(
        self,
        master: Master,
        name: str,
        parts: list[list[Any]],
        exec_map: Callable[[Any], Any],
        exec_reduce: Callable[[Any], Any],
        modules: tuple[Any, ...],
        dep_funcs: tuple[Callable[..., Any], ...],
    ) -> None:
        self._master = master
        self._parts = parts
        self._map, self._reduce = exec_map, exec_reduce
        self._modules, self._dep_funcs = modules, dep_funcs
        self._steps: list[PyMW_Task] = []
        self._steps_expected = 2 * len(parts)
        self._whole = master.whole_task(exec_map, name, self)

    def begin(self, red_worker: int) -> PyMW_Task:
        if red_worker != -1:
            self._steps_expected = len(self._parts) + red_worker
        maps = [self._submit(self._map, part) for part in self._parts]
        self._whole.run()
        threading.Thread(
            target=self._finish, args=(maps, red_worker), name=f"pymw {self._whole}", daemon=True
        ).start()
        return self._whole

    def abandon(self, task: Any) -> None:
        """Cancel all steps."""
        for step in self._steps:
            step.cancel()

    def progress(self, task: Any) -> float:
        """The share of steps that are done."""
        return sum(step.done() for step in self._steps) / max(1, self._steps_expected)

    def _submit(self, function: Callable[[Any], Any], data: Any) -> PyMW_Task:
        step = self._master.inner_task(function, (data,), self._modules, self._dep_funcs)
        self._steps.append(step)
        return step

    def _finish(self, maps: list[PyMW_Task], red_worker: int) -> None:
        try:
            mapped = [task.result() for task in maps]
            if red_worker != -1:
                mapped = split([item for part in mapped for item in part], red_worker)
            reductions = [self._submit(self._reduce, part) for part in mapped]
            value = [task.result() for task in reductions]
        except BaseException as error:  # a step's own error, CancelledError: all of it fails by that
            self._settle(None, error)
            self.abandon(self._whole)
        else:
            self._settle(value, None)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        last = max((step.finished or 0.0 for step in self._steps), default=self._whole.submitted)
        end = Ending(outcome.VALUE if error is None else outcome.EXCEPTION, finished=last)
        end.stdout = "".join(step.stdout for step in self._steps)
        end.stderr = "".join(step.stderr for step in self._steps)
        failed = next((step for step in self._steps if step.traceback), None)
        end.traceback = failed.traceback if failed else ""
        self._whole.settle(value, error, end)


def split(data: list[Any], number: int) -> list[list[Any]]:
    """Cut a list into `number` parts whose lengths differ by one at most; the longer ones come first."""
    size, longer = divmod(len(data), number)
    parts, start = [], 0
    for index in range(number):
        end = start + size + (index < longer)
        parts.append(data[start:end])
        start = end
    return parts


def file_parts(files: list[Any], number: int) -> list[list[Block]]:
    """Cut the bytes of all files, taken together, into `number` shares of blocks that follow one another."""
    sizes = [(str(Path(file[0]).absolute()), Path(file[0]).stat().st_size) for file in files]
    size, longer = divmod(sum(length for _, length in sizes), number)
    shares: list[list[Block]] = [[] for _ in range(number)]
    share, room = 0, size + (longer > 0)
    for path, length in sizes:
        start = 0
        while start < length:
            while room == 0:
                share += 1
                room = size + (share < longer)
            taken = min(room, length - start)
            shares[share].append([path, start, start + taken])
            start, room = start + taken, room - taken
    return shares
