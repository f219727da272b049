"""Whether a job may be run here at all, asked before a process is started for it."""

import sys

from pymw_worker import outcome, trust
from pymw_worker.errors import FormatError, Unloadable
from pymw_worker.text import message_of


def misnamed(slot, options):
    """Return None, or in one sentence which name in the task's command line is none of the slot's files.

    The server writes this line, and we write to some of these files: even to say so would be to obey.
    """
    if options.trust is None or not slot.has_client:
        return None
    named = [options.bundle, options.arguments, options.result, options.log]
    try:
        trust.check_names(named + [source for _, source in options.data])
    except Unloadable:
        return message_of(sys.exc_info()[1])
    return None


def refusal(slot, options, bundle_path, arguments_path):
    """Return None, or in one sentence why the job must not be run. options: of the task's command line."""
    if options.trust is None:
        return None
    data = [(name, slot.resolve(source)) for name, source in options.data]
    try:
        options.trust.check(bundle_path, arguments_path, options.task, options.run, data)
    except (FormatError, Unloadable):
        return message_of(sys.exc_info()[1])
    return None


def write(path, reason):
    """Write the outcome of a job that is refused. Raises EnvironmentError."""
    outcome.write(path, outcome.UNLOADABLE, type=outcome.REFUSED, message=reason)
