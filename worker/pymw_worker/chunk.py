"""Several calls of one function in a task, where a task by itself would cost more than a call."""

import pickle
import sys
import time
import traceback

from pymw_worker import text, values


class Chunk(object):
    """A function that makes several calls of another one."""

    def __init__(self, function):
        self.function = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, calls):
        """Call the function with each tuple of arguments of a list, until it raises.

        Returns (list of values, None or the pair of exception and traceback, seconds of work per call).
        """
        function, results, failed = self.function, [], None
        started = time.time()
        try:
            for arguments in calls:
                results.append(function(*arguments))
        except:
            failed = _sendable(sys.exc_info()[1]), text.to_text(traceback.format_exc())
        passed = max(0.0, time.time() - started)
        return results, failed, passed / (len(results) or 1)


def _sendable(error):
    """The exception, or what can be said of it if it cannot be pickled."""
    try:
        sys.modules.get("cloudpickle", pickle).dumps(error)
        return error
    except Exception:
        return RuntimeError("%s: %s" % (values.type_name(error), text.message_of(error)))
