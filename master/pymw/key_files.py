"""The scientist's task keys as files: NAME.pem, which is secret, and NAME.pub beside it, which is public.

The first is PKCS #8 in PEM, as openssl and ssh-keygen read it, with or without a passphrase. The second is a
line `ed25519 HEX NAME`, as pymw-package --key takes it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from pymw_worker import signatures

from pymw.errors import KeyFileError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DEFAULT = "task"
PASSPHRASE = "PYMW_PASSPHRASE"  # environment variable, for programs that nobody watches
_SECRET, _PUBLIC = ".pem", ".pub"


@dataclass(frozen=True)
class PublicKey:
    """A public key. name: of its file, without suffix. public: 32 bytes. path: where it is."""

    name: str
    public: bytes
    path: Path

    @property
    def id(self) -> str:
        """What signatures and configurations call it: 16 hexadecimal digits."""
        return str(signatures.key_id(self.public))

    @property
    def line(self) -> str:
        """What the file of the public key says."""
        return f"{signatures.ALGORITHM} {self.public.hex()} {self.name}\n"


class TaskKey:
    """A key that can sign. public: 32 bytes."""

    def __init__(self, secret: Ed25519PrivateKey) -> None:
        self._secret = secret
        self.public: bytes = secret.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        """What signatures and configurations call it: 16 hexadecimal digits."""
        return str(signatures.key_id(self.public))

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of a signature."""
        return self._secret.sign(message)


def folder() -> Path:
    """Where keys are unless a file is named."""
    return platformdirs.user_config_path("pymw") / "keys"


def path_of(name: str = DEFAULT) -> Path:
    """The file of the secret key of this name."""
    return folder() / f"{name}{_SECRET}"


def create(path: Path | None = None, passphrase: str = "") -> PublicKey:
    """Make a key: `path` for its owner alone, and the public key beside it.

    passphrase: what encrypts the file; "" leaves it readable for whoever gets it. Raises KeyFileError if
    there is a key already or it cannot be written.
    """
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  # slow to import
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    path = path or path_of()
    secret = Ed25519PrivateKey.generate()
    locked = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    pem = secret.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)
    made = PublicKey(path.stem, secret.public_key().public_bytes_raw(), path.with_suffix(_PUBLIC))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never over another key: what it has signed could not be revoked by name any more.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(descriptor)
        made.path.write_text(made.line, encoding="utf-8")
    except FileExistsError as error:
        raise KeyFileError(f"there is a key in {path} already: name another --file") from error
    except OSError as error:
        raise KeyFileError(f"the key {path} cannot be written: {error.strerror}") from error
    return made


def load(path: Path | None = None, passphrase: str = "") -> TaskKey:
    """The key in a file; the default one if none is named.

    Raises KeyFileError: there is none, others can read it, the passphrase is wrong or missing, or it is no
    Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    path = path or path_of()
    try:
        pem = path.read_bytes()
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise KeyFileError(f"there is no key in {path}: make one with `pymw keys create`") from error
    except OSError as error:
        raise KeyFileError(f"the key {path} cannot be read: {error.strerror}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise KeyFileError(f"others may read the key {path}: chmod 600 it, and make a new one if they have")
    try:
        secret = load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except TypeError as error:
        needs = "needs its passphrase" if not passphrase else "has no passphrase, and one was given"
        raise KeyFileError(f"the key {path} {needs}") from error
    except ValueError as error:
        raise KeyFileError(f"the key {path} is damaged, or its passphrase is another one") from error
    if not isinstance(secret, Ed25519PrivateKey):
        raise KeyFileError(f"the key {path} is no Ed25519 key")
    return TaskKey(secret)


def is_locked(path: Path) -> bool:
    """Whether a secret key needs a passphrase. Raises OSError."""
    return b"ENCRYPTED" in path.read_bytes()


def read_public(path: Path) -> PublicKey:
    """The public key in NAME.pub, or in that beside NAME.pem. Raises KeyFileError."""
    path = path.with_suffix(_PUBLIC)
    try:
        public, name = signatures.public_line(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise KeyFileError(f"there is no public key {path}: `pymw keys create` makes one") from error
    except OSError as error:
        raise KeyFileError(f"the public key {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyFileError(f"{path} is no public key: {error}") from error
    return PublicKey(name or path.stem, public, path)


def all_public() -> Iterator[PublicKey]:
    """The public keys of the usual folder, by name. Raises KeyFileError."""
    for path in sorted(folder().glob(f"*{_PUBLIC}")):
        yield read_public(path)
