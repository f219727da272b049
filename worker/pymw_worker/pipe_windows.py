"""Windows: the pipes to and from the master."""

import ctypes
import msvcrt
import os
import threading

from pymw_worker import background
from pymw_worker.lines import Splitter

_PIECE = 1 << 16
_HANDLE_FLAG_INHERIT = 1
_PATIENCE = 0.1  # seconds for which Python on Windows may be deaf to Ctrl-C


def take_streams():
    """Return (Lines, descriptor for the answers) of stdin and stdout.

    Whoever reads our stdin then finds its end, and what is printed goes to stderr. Raises OSError if they are
    closed.
    """
    orders, answers = os.dup(0), os.dup(1)
    for descriptor in (orders, answers):
        msvcrt.setmode(descriptor, os.O_BINARY)
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        ctypes.windll.kernel32.SetHandleInformation(handle, _HANDLE_FLAG_INHERIT, 0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # no stderr either
        os.dup2(null, 1)
    os.close(null)
    return Lines(orders), answers


class Lines(object):
    """The lines that the master writes; a thread reads them.

    alarm: None, as nothing here can wait for a pipe and something else. ended: whether there will be no more.
    """

    alarm = None

    def __init__(self, descriptor):
        self.ended = False
        self._descriptor = descriptor
        self._lines = []
        self._closed = False
        self._news = threading.Event()
        background.start(self._read)

    def take(self, wait):
        """Return the lines that have come; if told to wait, sleep for a moment if there are none."""
        if wait:
            self._news.wait(_PATIENCE)
        self._news.clear()
        closed = self._closed  # before the lines are looked at: the thread adds lines first
        lines = self._lines[:]
        del self._lines[: len(lines)]
        self.ended = closed and not lines
        return lines

    def _read(self):
        splitter = Splitter()
        try:
            while True:
                piece = os.read(self._descriptor, _PIECE)
                if not piece:
                    break
                self._lines += splitter.feed(piece)
                self._news.set()
        except EnvironmentError:
            pass
        self._closed = True
        self._news.set()
