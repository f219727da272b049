"""When the daemon is to end: a signal, or the file with which bin/stop stops a project's daemons."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_LOOK = 1.0  # seconds between looks for the file


class Stop:
    """Looks for reasons to end, between two pieces of work.

    file: PROJECT/stop_daemons.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.reason = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In here signals wait until they are asked for, so that none comes at a bad moment."""
        before = {number: signal.signal(number, signal.SIG_DFL) for number in _SIGNALS}
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            yield
        finally:
            while signal.sigtimedwait(_SIGNALS, 0):
                pass
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, handler in before.items():
                signal.signal(number, handler)

    def wanted(self, seconds: float = 0) -> bool:
        """Whether to end. If not so already, wait so long for it."""
        deadline = time.monotonic() + seconds
        while not self.reason:
            left = max(0.0, deadline - time.monotonic())
            if self._file.exists():
                self.reason = f"trigger file '{self._file}' is present"
            elif (received := signal.sigtimedwait(_SIGNALS, min(left, _LOOK))) is not None:
                self.reason = signal.Signals(received.si_signo).name
            elif not left:
                return False
        return True
