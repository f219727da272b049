"""A task's job as BOINC's workunit: the same for every kind of project."""

from __future__ import annotations

from dataclasses import asdict

from pymw_worker import names

from pymw.boinc.backend import Job
from pymw.project.jobs import Input, Workunit

_DISK = 1e9  # bytes that a task may use beside what it returns
_COPIES = 4  # of a result of the largest size: the task's, the worker's, the checkpoint, the log


def workunit(job: Job, arguments: str, batch: str) -> Workunit:
    """The workunit for a job. arguments: name of its staged arguments file."""
    return Workunit(
        name=job.name,
        inputs=(Input(job.bundle, names.BUNDLE, sticky=True), Input(arguments, names.ARGUMENTS)),
        command_line=job.command_line,
        batch=batch,
        disk_bound=_DISK + _COPIES * job.demand.max_nbytes,
        **asdict(job.demand),
    )
