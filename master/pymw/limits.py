"""Time limits of running tasks."""

from __future__ import annotations

import heapq
import time
from itertools import count

from pymw.interfaces.base import Task


class Limits:
    """Knows which running tasks have been running for too long. Not safe for several threads by itself."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int, Task]] = []
        self._numbers = count()

    def watch(self, task: Task) -> None:
        """A task with a time limit has begun now."""
        if task.options.timeout is not None:
            end = time.monotonic() + task.options.timeout
            heapq.heappush(self._heap, (end, next(self._numbers), task.attempts, task))

    def expired(self) -> list[Task]:
        """Those whose time is up, each once."""
        found = []
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            _, _, attempt, task = heapq.heappop(self._heap)
            if attempt == task.attempts and not task.done():
                found.append(task)
        return found

    def next(self) -> float | None:
        """Seconds until the next one's time is up, None if there is none."""
        return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None
