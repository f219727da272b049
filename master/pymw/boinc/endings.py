"""From what a project says of a job to the ending of a task."""

from __future__ import annotations

import re
import time

from pymw_worker.boinc import exit_codes

from pymw import ending
from pymw.boinc.backend import Ended
from pymw.ending import Ending
from pymw.worker_files import read_ending

# Exit statuses of PyMW's worker after which no result is sent (worker/pymw_worker/boinc/exit_codes.py).
_STATUSES = {
    exit_codes.CHILD_FAILED: ending.DIED,
    exit_codes.OUT_OF_MEMORY: ending.MEMORY,
    exit_codes.INIT_FAILURE: ending.UNLOADABLE,
}
# What the worker says in stderr.txt: YYYY-mm-dd HH:MM:SS (pid): text.
_SAID = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+\): (.+)$", re.MULTILINE)
# Why it could not load a task, by what its sentence has in it; results.py has the errors.
_KINDS = (
    ("python", re.compile(r"needs Python [\d.-]+, this is Python|failed to find ")),
    ("module", re.compile("needs the module ")),
    ("untrusted", re.compile("is not signed|signed with the key|of the key|were signed for another")),
)


def ending_of(job: Ended, limit: int) -> Ending:
    """How the task of a job ended. limit: bytes that a result may have."""
    end = _failed(job) if job.result is None else read_ending(job.result, job.log, limit)
    end.facts = {**end.facts, **job.by}
    if "elapsed" in job.by:
        # The computer's own clock may show anything: what counts is how long it took.
        end.started = time.time() - max(0.0, float(job.by["elapsed"]))
    return end


def _failed(job: Ended) -> Ending:
    status = ending.LOST
    if not job.cancelled and job.exit_status is not None:
        status = _STATUSES.get(job.exit_status, ending.LOST)
    said = _SAID.findall(job.stderr)
    message = f"{job.reason}; the last computer said: {said[-1]}" if said else job.reason
    kinds = [kind for kind, words in _KINDS if status == ending.UNLOADABLE and words.search(job.stderr)]
    kind = kinds[0] if kinds else ""
    return Ending(status, type=kind, message=message, stderr=job.stderr)
