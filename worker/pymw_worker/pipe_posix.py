"""Unix: the pipes to and from the master."""

import errno
import os
import select
import sys

from pymw_worker import descriptors
from pymw_worker.lines import Splitter

_PIECE = 1 << 16


def take_streams():
    """Return (Lines, descriptor for the answers) of stdin and stdout.

    Whoever reads our stdin then finds its end, and what is printed goes to stderr. Raises OSError if they are
    closed.
    """
    descriptors.close_all_but(0, 1, 2)
    orders, answers = os.dup(0), os.dup(1)
    for descriptor in (orders, answers):
        descriptors.keep_from_children(descriptor)
    end, no_input = os.pipe()  # /dev/null may be missing where we run
    os.close(no_input)
    os.dup2(end, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # no stderr either: writing fails then
        os.dup2(end, 2)
        os.dup2(end, 1)
    os.close(end)
    return Lines(orders), answers


class Lines(object):
    """The lines that the master writes.

    alarm: the descriptor that has something to read when there are some. ended: whether there will be none.
    """

    def __init__(self, descriptor):
        self.alarm = descriptor
        self.ended = False
        self._splitter = Splitter()

    def take(self, wait):
        """Return the lines that have come; if told to wait, sleep until something has."""
        if not self._ready(wait):
            return []
        try:
            piece = os.read(self.alarm, _PIECE)
        except OSError:
            if sys.exc_info()[1].errno in (errno.EINTR, errno.EAGAIN):
                return []
            piece = None
        if not piece:
            self.ended = True
            return []
        return self._splitter.feed(piece)

    def _ready(self, wait):
        patience = 0
        if wait:
            patience = None  # for ever
        poll = select.poll()
        poll.register(self.alarm, select.POLLIN)
        try:
            return poll.poll(patience) != []
        except select.error:  # Python < 3.5: a signal came
            return False
