"""The original PyMW's names: programs written for it run unchanged.

from pymw import *

master = pymw.PyMW_Master(interface=interfaces.generic.GenericInterface(num_workers=4))
tasks = [master.submit_task(square, input_data=(i,)) for i in range(10)]
for task in tasks:
    task, value = master.get_result(task)
"""

from __future__ import annotations

import itertools
import logging
import pickle
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pymw_worker import script

from pymw import ending, interfaces
from pymw.dispatcher import Dispatcher, Match
from pymw.ending import Ending
from pymw.errors import FunctionError
from pymw.errors import InterfaceError as InterfaceException
from pymw.errors import TaskError as TaskException
from pymw.future import Owner
from pymw.handout import Handout
from pymw.interfaces import choose
from pymw.mapreduce import PyMW_MapReduce
from pymw.master import Master
from pymw.options import Options
from pymw.original_task import PyMW_Task
from pymw.work import Work

__all__ = ["InterfaceException", "PyMW_MapReduce", "PyMW_Master", "PyMW_Task", "TaskException", "interfaces"]


class PyMW_Master(Master):
    """The original's master. It is a Master as well, so that a program may go over to futures bit by bit."""

    task_class = PyMW_Task

    def __init__(
        self,
        interface: Any = None,
        loglevel: int = logging.CRITICAL,
        delete_files: bool = True,
        scheduler_func: Match | None = None,
        **options: Any,
    ) -> None:
        """Open an interface.

        interface: one of pymw.interfaces, or an object with the original's methods; None: the generic one
        with one worker. loglevel: of the root logger, if nobody has set it up before. delete_files: remove
        the files that were written for a user's interface when the program ends. scheduler_func: gets the
        lists of waiting tasks and of available workers, and returns the task and the worker that fit, or
        (None, None). options: as Master's. Raises InterfaceException.
        """
        logging.basicConfig(level=loglevel, format="%(asctime)s %(levelname)s %(message)s")
        self._match = scheduler_func
        self._delete_files = delete_files
        self._inner_tasks: list[PyMW_Task] = []
        self._tasks = Handout()
        self._started = int(time.time())
        self._numbers = itertools.count()
        super().__init__(choose.named("generic") if interface is None else interface, **options)

    def _make_dispatcher(self, match: Match | None) -> Dispatcher:
        return super()._make_dispatcher(self._match)

    def submit_task(
        self,
        executable: Callable[..., Any] | str,
        input_data: Iterable[Any] | None = None,
        modules: Iterable[Any] = (),
        dep_funcs: Iterable[Callable[..., Any]] = (),
        data_files: Iterable[str] = (),
        input_from_file: bool = False,
    ) -> PyMW_Task:
        """Submit a task; returns it at once.

        executable: a function, or the path of a script, which gets the names of an input and an output file,
        both pickles, as argv[1] and argv[2]. input_data: the function's arguments. modules: names of modules
        that it uses; dep_funcs: functions that it calls. With either, its source is sent, which runs under
        many versions of Python; without, cloudpickle's bytes. data_files: paths of files that it finds in
        its current folder. input_from_file: the arguments are blocks of files, as PyMW_MapReduce makes them.
        Raises TaskException for another kind of executable.
        """
        options = self._options.changed(
            modules=tuple(modules), dep_funcs=tuple(dep_funcs), files=tuple(data_files)
        )
        if callable(executable):
            task = self._function_task(executable, tuple(input_data or ()), options)
        elif isinstance(executable, str):
            task = self._script_task(executable, input_data, options)
        else:
            raise TaskException("Executable must be a filename or function")
        task.executable = task._raw_exec = executable
        task.input_data, task._file_input = input_data, input_from_file
        return self._submit_known(task)

    def get_result(
        self, task: PyMW_Task | list[PyMW_Task] | None = None, blocking: bool = True
    ) -> tuple[PyMW_Task | None, Any]:
        """A task that has ended, and its value.

        task: the one that is wanted, a list of which any will do, or None for any that was not handed out
        yet. blocking: wait for it; otherwise (None, None) is returned if there is none yet. Raises
        TaskException if the task failed, with the worker's traceback in its text, for what was never
        submitted, and if all results have been handed out; what a user's interface reported as the task's
        failure.
        """
        found = self._tasks.next(self._tasks.checked(task), blocking)
        return (None, None) if found is None else (found, _value(found, self._interface.read))

    def get_progress(self, task: PyMW_Task | list[PyMW_Task] | None) -> list[float]:
        """How much of each task is done, from 0 to 1. Raises TaskException for what was never submitted."""
        return [one.get_progress() for one in self._tasks.checked(task)]

    def get_status(self) -> dict[str, Any]:
        """What the interface says of itself, and "tasks": all tasks that were submitted.

        {"interface_status": "error"} instead of what the interface says if it fails or says nothing sensible.
        """
        try:
            status = self._interface.get_status()
        except Exception:
            status = None
        status = dict(status) if isinstance(status, dict) else {"interface_status": "error"}
        return {**status, "tasks": list(self._tasks.submitted)}

    # For PyMW_MapReduce.

    def inner_task(
        self, function: Callable[..., Any], args: tuple[Any, ...], modules: Any, dep_funcs: Any
    ) -> PyMW_Task:
        """Submit a step of a larger task, whose result get_result does not hand out."""
        task = self._function_task(
            function, args, self._options.changed(modules=modules, dep_funcs=dep_funcs)
        )
        task.executable, task.input_data = function, args
        self._inner_tasks.append(task)
        self._add(task)
        return task

    def whole_task(self, function: Callable[..., Any], name: str, owner: Owner) -> PyMW_Task:
        """A task that the owner does, known to get_result."""
        task = PyMW_Task(Work(function, self._options), None, None, self._options, owner)
        task._task_name = f"{name}_{self._started}_{next(self._numbers)}"
        task.executable = function
        return self._tasks.know(task)

    # Details.

    def _function_task(
        self, function: Callable[..., Any], args: tuple[Any, ...], options: Options
    ) -> PyMW_Task:
        source = bool(options.modules or options.dep_funcs or self._interface.any_python)
        try:
            task = self._create(function, args, {}, options.changed(portable=source))
        except FunctionError as error:
            if not source:
                raise
            # The original sent what it found, and the rest failed at the worker. By cloudpickle it may work.
            logging.getLogger("pymw").info(
                "sending %s by cloudpickle instead of its source: %s", function, error
            )
            task = self._create(function, args, {}, options.changed(portable=False))
        assert isinstance(task, PyMW_Task)
        home = getattr(function, "__module__", "")
        task._task_name = f"{home}.{task.work.name}_{self._started}_{next(self._numbers)}"
        return task

    def _script_task(self, path: str, input_data: Any, options: Options) -> PyMW_Task:
        name = Path(path).name
        files = {**dict(options.files), name: path}
        # Protocol 2 is the newest that Python 2 reads.
        args = (name, pickle.dumps(input_data, 2))
        options = options.changed(files=files, portable=True, python="2.5-")
        try:
            task = self._create(script.run, args, {}, options)
        except FunctionError as error:  # as in the original, it is get_result that says so
            task = PyMW_Task(Work(script.run, options), None, None, options, self._dispatcher)
            task.settle(None, error, Ending(ending.REFUSED, finished=time.time()))
        assert isinstance(task, PyMW_Task)
        task._is_script = True
        task._task_name = f"{path}_{self._started}_{next(self._numbers)}"
        return task

    def _submit_known(self, task: PyMW_Task) -> PyMW_Task:
        self._tasks.know(task)
        if not task.done():
            self._add(task)
        return task

    def _close(self) -> None:
        super()._close()
        for task in (*self._tasks.submitted, *self._inner_tasks):
            task.cleanup(self._delete_files)


def _value(task: PyMW_Task, read: Callable[[bytes], Any]) -> Any:
    """The value of a task that has ended. Raises what stands for its failure."""
    if task.cancelled():
        raise TaskException(f"the task {task} was cancelled")
    error = task.exception()
    if error is None:
        return task.script_value(read) if task._is_script else task.result()
    if task.end.error is not None or isinstance(error, InterfaceException | FunctionError):
        raise error
    raise TaskException("\n".join(filter(None, [_words(error), task.traceback, task.stderr]))) from error


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, TaskException) else f"{type(error).__name__}: {error}"
