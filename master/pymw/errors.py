"""The exceptions that pymw raises. Each message is one sentence or two: what, why, and what to do.

Exception
└── PyMWError
    ├── FunctionError           a function, or what it needs, cannot be sent to a worker
    │   └── ArgumentError       the arguments of one call cannot
    ├── InterfaceError          an interface cannot be used, or failed; the original's InterfaceException
    ├── KeyFileError            a key cannot be made or read, or something cannot be signed
    ├── ProjectError            a BOINC project's folder, or what it was asked, cannot be used
    │   └── ProjectConflict     a name is taken by something else
    ├── RunError                a run's folder cannot be used
    └── TaskError               a task has no value; the original's TaskException
        ├── VersionMismatch     the worker's Python is not one that the function can run under
        ├── ModuleMissing       the worker's Python lacks a module
        ├── Refused             the worker trusts nobody who has signed the task, or it was not signed
        ├── LoadError           the function or its arguments cannot be loaded by the worker
        ├── ValueLost           the function returned what cannot be sent back
        ├── WorkerDied          the task's process ended without an answer
        ├── OutOfMemory         ... because there was no memory left
        ├── ResultLost          an answer came back that cannot be read, or none ever came
        ├── UntrustedResult     ... that asks for what is not built from the bytes of strangers
        └── TimeLimitExceeded   the task ran longer than it was allowed to (a TimeoutError as well)

An exception that the *function* raises is raised as it is, with the worker's traceback as its cause
(RemoteTraceback, an Exception that is never raised by itself).
"""

from __future__ import annotations


class PyMWError(Exception):
    """Base of all exceptions that pymw raises on purpose."""


class FunctionError(PyMWError):
    """A function, its modules, files or arguments cannot be sent to a worker."""


class ArgumentError(FunctionError):
    """An argument cannot be pickled."""


class InterfaceError(PyMWError):
    """An interface cannot be used, or failed.

    details: more about it, such as the exception of the engine behind the interface; "" if there is none.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class ProjectError(PyMWError):
    """A BOINC project's folder, or what it was asked, cannot be used."""


class ProjectConflict(ProjectError):
    """A name is taken by something else: BOINC knows files and workunits by their names, for ever."""


class KeyFileError(PyMWError):
    """A task key cannot be made or read, or something cannot be signed with it."""


class RunError(PyMWError):
    """A run's folder cannot be used: damaged, in use by another program, made by a newer PyMW."""


class TaskError(PyMWError):
    """A task has no value. Raised by itself for a task that was never submitted, and the like."""


class VersionMismatch(TaskError):
    """The worker's Python is not one of those that the function can run under."""


class ModuleMissing(TaskError):
    """The worker's Python lacks a module that the function needs."""


class Refused(TaskError):
    """The worker runs nothing of it: unsigned, altered, or signed with a key that it does not trust."""


class LoadError(TaskError):
    """The function or its arguments cannot be loaded by the worker."""


class ValueLost(TaskError):
    """The function returned something that cannot be pickled, or that is larger than allowed."""


class WorkerDied(TaskError):
    """The task's process ended without an answer: a signal, os._exit, a crash in compiled code."""


class OutOfMemory(WorkerDied):
    """The task ran out of memory."""


class ResultLost(TaskError):
    """An answer came back that cannot be read, or the interface lost the task."""


class UntrustedResult(TaskError):
    """A stranger's answer asks for more than plain data, or is damaged, or too much.

    asked: the class, function or attribute that it asks for; "" if it is damaged or too much.
    """

    def __init__(self, message: str, asked: str = "") -> None:
        super().__init__(message)
        self.asked = asked


class TimeLimitExceeded(TaskError, TimeoutError):
    """The task ran longer than its time limit, and was stopped."""


class RemoteTraceback(Exception):
    """The traceback in the worker, as text: the cause of an exception that a function raised there."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text.rstrip()}"
