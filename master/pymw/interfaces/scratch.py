"""The folder of an interface's temporary files. It goes away even if this program is killed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path


class Scratch:
    """A temporary folder that is made when it is first asked for."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder. Raises OSError."""
        if self._folder is None:
            from loky.backend import resource_tracker  # noqa: PLC0415

            self._folder = Path(tempfile.mkdtemp(prefix="pymw-"))
            # A process of loky's that outlives us removes what we cannot.
            resource_tracker.register(str(self._folder), "folder")
        return self._folder

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._folder is not None:
            from loky.backend import resource_tracker  # noqa: PLC0415

            shutil.rmtree(self._folder, ignore_errors=True)
            resource_tracker.unregister(str(self._folder), "folder")
            self._folder = None
