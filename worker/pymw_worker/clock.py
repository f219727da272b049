"""A clock that only goes forward, at the pace of real time, on every Python."""

import time

# Without a monotonic clock, a step longer than this between two readings is a clock that was set, not time
# that passed: the supervisor reads the clock ten times a second.
LONGEST_STEP = 60.0


class Clock(object):
    """Seconds since some fixed moment.

    Python 3.3 has time.monotonic; before it, time.time with its jumps taken out.
    """

    def __init__(self, monotonic=getattr(time, "monotonic", None), wall=time.time):
        self._monotonic = monotonic
        self._wall = wall
        self._last = wall()
        self._passed = 0.0

    def now(self):
        """Return seconds, as a float; never less than the time before."""
        if self._monotonic is not None:
            return self._monotonic()
        reading = self._wall()
        step = reading - self._last
        self._last = reading
        if 0.0 < step < LONGEST_STEP:
            self._passed += step
        return self._passed


class Stopwatch(object):
    """Adds up the seconds during which it runs."""

    def __init__(self, clock, seconds=0.0):
        self._clock = clock
        self._seconds = seconds
        self._since = None

    def start(self):
        """Run. Harmless if it runs already."""
        if self._since is None:
            self._since = self._clock.now()

    def stop(self):
        """Hold. Harmless if it is held already."""
        self._seconds = self.seconds()
        self._since = None

    def seconds(self):
        """Return the seconds so far, as a float."""
        if self._since is None:
            return self._seconds
        return self._seconds + self._clock.now() - self._since
