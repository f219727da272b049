"""The signals that ask this process to end."""

import signal


class Interrupted(Exception):
    """A signal has asked this process to end."""


class Interruption(object):
    """Notes the signals that ask this process to end, so that it can end the task first.

    signal: number of the first that came, or None. at_once: whether one that comes now may raise Interrupted
    wherever we are; for a wait that nothing else would end.
    """

    def __init__(self):
        self.signal = None
        self.at_once = False
        self._before = {}

    def listen(self):
        """Take the signals, but for those that whoever started us wants ignored (nohup)."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is None or number in self._before or signal.getsignal(number) == signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._note)

    def forget(self):
        """Give the signals back the meaning that they had."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number, frame):
        if self.signal is None:
            self.signal = number
        if self.at_once:
            raise Interrupted()
