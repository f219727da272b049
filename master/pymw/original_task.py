"""The original PyMW's task: a Future with the original's names, for programs and interfaces written for it.

User-written interfaces start `python task._executable_name task._input_arg task._output_arg` and call
task.task_finished(). The three files are written when their names are first asked for, as most interfaces
never do.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle

from pymw import ending, program_file
from pymw.ending import Ending
from pymw.errors import TaskError
from pymw.future import FINISHED, RUNNING, Future
from pymw.worker_files import read_ending


class PyMW_Task(Future[Any]):
    """A task of the original API.

    executable: the function or the script's path. input_data: its arguments, as they were given. _stdout,
    _stderr: what it printed. _times: unix times of submission, start and end, 0 for what has not happened.
    """

    TASK_SUBMITTED = "submitted"
    TASK_RUNNING = "running"
    TASK_ERROR = "error"
    TASK_FINISHED = "finished"

    executable: Any = None
    input_data: Any = None
    _raw_exec: Any = None
    _file_input = False
    _task_name = "task"
    _assigned_worker: Any = None
    _report: Callable[[PyMW_Task, Ending], None] | None = None
    _files: program_file.Files | None = None
    _is_script = False

    def __str__(self) -> str:
        return self._task_name

    def __repr__(self) -> str:
        return self._task_name

    # What programs ask.

    @property
    def _stdout(self) -> str:
        return self.stdout

    @property
    def _stderr(self) -> str:
        return self.stderr

    @property
    def _times(self) -> dict[str, float]:
        return {
            "submit_time": self.submitted,
            "execute_time": self.started or 0,
            "finish_time": self.finished or 0,
        }

    @property
    def _task_state(self) -> str:
        if self.done():
            return self.TASK_FINISHED if self._state == FINISHED and not self._exception else self.TASK_ERROR
        return self.TASK_RUNNING if self._state == RUNNING else self.TASK_SUBMITTED

    def get_total_time(self) -> float | None:
        """Seconds from submission to the end; None before the end."""
        return self.total_time

    def get_execution_time(self) -> float | None:
        """Seconds from the start to the end; None before the end. A task that never started took none."""
        if self.total_time is None:
            return None
        return self.execution_time or 0.0

    def get_progress(self) -> float:
        """How much of the task is done, from 0 to 1."""
        return self.progress

    def script_value(self, read: Callable[[bytes], Any]) -> Any:
        """The value in a script's output file: a pickle, or else the bytes as they are.

        A list of three whose last two are text is value, stdout and stderr, as the original's programs wrote
        it.
        """
        output = self.result()
        try:
            value = read(output)
        except Exception:
            return output
        if isinstance(value, list) and len(value) == 3 and all(isinstance(text, str) for text in value[1:]):
            value, self.end.stdout, self.end.stderr = value
        return value

    # What user-written interfaces use.

    @property
    def _executable_name(self) -> str:
        return str(self._written().program)

    @property
    def _input_arg(self) -> str:
        return str(self._written().input)

    @property
    def _output_arg(self) -> str:
        return str(self._written().output)

    # Modules and data files travel inside the program.
    _data_file_zip = None
    _modules_file_zip = None

    def task_finished(self, task_err: Any = None, result: Any = None) -> None:
        """To be called by a user-written interface when the task has ended.

        task_err: the exception if it failed. result: its value, or a list of pairs whose first items name
        files with pickled values; None if the program has written its output file.
        """
        if self._report is not None:
            self._report(self, self._ending(task_err, result))

    def _ending(self, error: Any, result: Any) -> Ending:
        if error is not None:
            return Ending(
                ending.REFUSED, error=error if isinstance(error, BaseException) else TaskError(str(error))
            )
        if result is not None:
            return Ending(ending.VALUE, cloudpickle.dumps(_from_files(result)))
        if self._files is None:
            return Ending(ending.VALUE, pickle.dumps(None))
        return read_ending(self._files.output, program_file.log_of(self._files.output))

    def _written(self) -> program_file.Files:
        if self._files is None:
            packed = self.call[2]
            if self.bundle is None:
                raise packed
            given = self.bundle.arguments_file(self._task_name, packed)
            self._files = program_file.write(self.bundle, given, self._task_name)
        return self._files

    def cleanup(self, delete_files: bool) -> None:
        """Remove the task's files, if that is wanted."""
        if self._files is not None and delete_files:
            self._files.remove()


def _from_files(result: Any) -> Any:
    """The values in the files that an interface names as its result; what it gave, if it names none."""
    try:
        return [pickle.loads(Path(file[0]).read_bytes()) for file in result]
    except Exception:
        return result
