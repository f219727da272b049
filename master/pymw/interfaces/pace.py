"""How many tasks make up a batch: learned from how long tasks of the same function took."""

from __future__ import annotations

from pymw.pool.call import Report

BATCH = 0.03  # seconds of work in a batch, beside which its own cost (some 0.5 ms) does not count
SHORT = 0.1  # seconds: a worker whose batch takes longer is given no second one, as it would wait there
_MOST = 256  # tasks in a batch, so that priorities keep their meaning and values come steadily
_GROWTH = 8  # how many times larger the next batch may be
_NEWS = 0.3  # weight of what was seen last


class Pace:
    """Knows how long tasks take, by the digest of their function's bundle."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._largest = 1
        self.typical = 1  # how many tasks of the kind seen last make up a batch

    def seconds(self, digest: str) -> float | None:
        """How long a task of this function takes; None if none has ended yet."""
        return self._seconds.get(digest)

    def most(self) -> int:
        """How many tasks a batch may have: not many more than the last one."""
        return min(_MOST, self._largest * _GROWTH)

    def learn(self, digests: list[str], reports: list[Report]) -> None:
        """These tasks, of these functions, have ended."""
        for digest, report in zip(digests, reports, strict=True):
            took = max(report[-1] - report[-2], 1e-6)
            before = self._seconds.get(digest, took)
            self._seconds[digest] = before + _NEWS * (took - before)
        if reports:
            latest = self._seconds[digests[-1]]
            self._largest = min(_MOST, max(self._largest, len(reports)))
            self.typical = max(1, min(self.most(), int(BATCH / latest)))
