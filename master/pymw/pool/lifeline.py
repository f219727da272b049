"""Lets a master notice that a worker process on its computer has died, where the engine does not tell.

Each worker holds a socket open, which the system closes when the process ends, however it does.
"""

from __future__ import annotations

import selectors
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PAUSE = 0.5  # seconds between looks whether to stop

_lines: list[socket.socket] = []


def hold(address: str) -> None:
    """In a worker: hold a line to the master open. On another computer there is none, which is no error."""
    if hasattr(socket, "AF_UNIX"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with suppress(OSError):
            line.connect(address)
            _lines.append(line)


class Lifelines:
    """In the master: calls `died` once, in a thread of its own, when one of the workers' lines is cut.

    address: what the workers give to `hold`.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pymw-", ignore_cleanup_errors=True)
        self.address = str(Path(self._folder.name) / "life")
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, died: Callable[[], None]) -> None:
        """Begin, before the workers do."""
        if not hasattr(socket, "AF_UNIX"):
            return
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(self.address)
        server.listen(128)
        self._thread = threading.Thread(
            target=self._watch, args=(server, died), name="pymw lifelines", daemon=True
        )
        self._thread.start()

    def _watch(self, server: socket.socket, died: Callable[[], None]) -> None:
        lines: list[socket.socket] = []
        with selectors.DefaultSelector() as selector, server:
            selector.register(server, selectors.EVENT_READ)
            cut = False
            while not cut and not self._stopped.is_set():
                for key, _ in selector.select(_PAUSE):
                    if key.fileobj is server:
                        lines.append(server.accept()[0])
                        selector.register(lines[-1], selectors.EVENT_READ)
                    else:
                        cut = True
        for line in lines:
            line.close()
        if cut and not self._stopped.is_set():
            died()

    def stop(self) -> None:
        """Look no more: the workers may end now."""
        self._stopped.set()

    def close(self) -> None:
        """Remove what belongs to it."""
        self.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._folder.cleanup()
