"""Looks after what programs leave in a stock project: what the original's class of this name was for."""

from __future__ import annotations

from pathlib import Path

from pymw.errors import ProjectError
from pymw.server.backend import ServerBackend
from pymw.server.home import ServerHome


class Manager:
    """The batches of a project. A program removes its own; those of one that was killed stay, for its run.

    All methods raise ProjectError. It is a context manager, which closes it.
    """

    def __init__(self, project_home: str | Path) -> None:
        """Open the project in this folder."""
        self._backend = ServerBackend(ServerHome.open(Path(project_home)))

    def is_running(self) -> bool:
        """Whether all of the project's daemons run that are this computer's."""
        return all(self._backend.status()["daemons"].values())

    def batches(self) -> dict[str, dict[str, int]]:
        """How many jobs of each batch are unsent, in_progress, done and failed."""
        return self._backend.batches()

    def zero_batch(self, batch: str, cancel_workunits: bool = False) -> None:
        """Remove a batch, with its results and the code that it alone needed.

        Jobs of it that have not ended are cancelled, or, without cancel_workunits, a ProjectError.
        """
        found = self._backend.batches().get(batch)
        if found is None:
            raise ProjectError(f"there is no batch {batch} in the project")
        left = found["unsent"] + found["in_progress"]
        if left and not cancel_workunits:
            raise ProjectError(
                f"the batch {batch} has {left} jobs that have not ended: delete_batch cancels them"
            )
        self._backend.forget(batch)

    def delete_batch(self, batch: str) -> None:
        """Cancel what has not ended of a batch, and remove all of it."""
        self.zero_batch(batch, cancel_workunits=True)

    def close(self) -> None:
        """Let go of the project."""
        self._backend.close()

    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
