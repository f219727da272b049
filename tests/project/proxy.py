"""A network that breaks: passes bytes on between clients and a server, until it cuts a connection."""

import re
import socket
import threading
from contextlib import suppress


class Proxy:
    """Listens at a port of its own. The first upload of more bytes than `cut` is cut there.

    offsets: with which each upload began, as the client said.
    """

    def __init__(self, target: int, cut: int) -> None:
        self._target = target
        self._cut = cut
        self._has_cut = False
        self.offsets: list[int] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop to listen."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(60)
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._target), 10) as server:
            back = threading.Thread(target=self._pass_back, args=(server, client), daemon=True)
            back.start()
            seen, uploading, size = b"", False, 0
            while data := client.recv(65_536):
                seen = (seen + data)[-70_000:]
                size += len(data)
                if match := re.search(rb"<offset>([0-9]+)</offset>\n<data>\n", seen):
                    self.offsets.append(int(match[1]))
                    seen, uploading = b"", True
                server.sendall(data)
                if uploading and not self._has_cut and size > self._cut:
                    self._has_cut = True
                    break
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join(10)

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
