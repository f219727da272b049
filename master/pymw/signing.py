"""Signs code bundles and arguments with the scientist's task key. Needs no server, and no network.

key = key_files.load()
data = signing.sign(code.data, key)
"""

from __future__ import annotations

from typing import Protocol

from pymw_worker import arguments, bundle, container, manifest, signatures
from pymw_worker.errors import FormatError

from pymw.errors import KeyFileError

_KINDS = (bundle.KIND, arguments.KIND)


class Key(Protocol):
    """What signs. public: 32 bytes."""

    @property
    def public(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature."""


def sign(data: bytes, key: Key) -> bytes:
    """A code bundle or an arguments file with a signature; what it bears already stays.

    data: the container's bytes. To sign twice with one key changes nothing. Raises KeyFileError for bytes
    that are neither.
    """
    for kind in _KINDS:
        if data.startswith(b"PYMW %d %s\n" % (manifest.VERSION, kind.encode())):
            break
    else:
        raise KeyFileError("only code bundles and arguments files are signed, and this is neither")
    try:
        box = container.read(data, kind)
        seal = signatures.line(key.public, key.sign(signatures.message(kind, box.digest)))
        return data if seal in box.signatures else bytes(manifest.sealed(data, seal))
    except FormatError as error:
        raise KeyFileError(f"it cannot be signed: {error}") from error
