"""Tasks that wait: the highest priority first, in order of submission within one."""

from __future__ import annotations

from bisect import insort
from collections import deque

from pymw.interfaces.base import Task


class TaskQueue:
    """A queue of tasks. Not safe for several threads by itself.

    A task that is dropped while it waits stays where it is until its turn comes, or until all are listed, as
    looking for it would make cancelling a million tasks quadratic.
    """

    def __init__(self) -> None:
        self._lanes: dict[int, deque[Task]] = {}
        self._order: list[int] = []  # negative priorities, ascending
        self._size = 0
        self._dropped = 0  # how many of those may still be in a lane

    def __len__(self) -> int:
        return self._size

    def put(self, task: Task, again: bool = False) -> None:
        """Add a task; again: before all others of its priority, as it has waited before."""
        if again:
            self._tidy()  # it may still be in its lane
        priority = task.options.priority
        lane = self._lanes.get(priority)
        if lane is None:
            lane = self._lanes[priority] = deque()
            insort(self._order, -priority)
        if again:
            lane.appendleft(task)
        else:
            lane.append(task)
        task.waiting = True
        self._size += 1

    def take(self, most: int) -> list[Task]:
        """Remove and return the next tasks."""
        taken: list[Task] = []
        for place in self._order:
            lane = self._lanes[-place]
            while lane and len(taken) < most:
                task = lane.popleft()
                if task.waiting:
                    task.waiting = False
                    taken.append(task)
        self._size -= len(taken)
        return taken

    def drop(self, task: Task) -> bool:
        """Take one task out of its turn; returns whether it was waiting."""
        was, task.waiting = task.waiting, False
        self._size -= was
        self._dropped += was
        return was

    def tasks(self) -> list[Task]:
        """All that wait, in order. Cheap if few were dropped since the last time."""
        self._tidy()
        found: list[Task] = []
        for place in self._order:
            found += self._lanes[-place]
        return found

    def _tidy(self) -> None:
        """Forget the tasks that were dropped."""
        if not self._dropped:
            return
        self._dropped = 0
        for place, lane in self._lanes.items():
            # Schedulers like to choose the first or the last.
            while lane and not lane[0].waiting:
                lane.popleft()
            while lane and not lane[-1].waiting:
                lane.pop()
            if sum(map(len, self._lanes.values())) > self._size:
                self._lanes[place] = deque([task for task in lane if task.waiting])
