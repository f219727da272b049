"""Public keys of the scientist's: whose tasks an app version runs. docs/security.md."""

import re
from pathlib import Path

from pymw_worker import signatures

from pymw_packager.errors import UsageError
from pymw_packager.files import read_text


def read_public(path: Path) -> str:
    """Return the public key in a file that `pymw keys create` made, as 64 hexadecimal digits.

    Raises:
        UsageError: it is no such file.
        StorageError: it cannot be read.
    """
    try:
        public, _name = signatures.public_line(read_text(path))
    except ValueError as error:
        raise UsageError(
            f"--key {path}: {error}; name the .pub file that `pymw keys create` made."
        ) from error
    return bytes(public).hex()


def key_id(given: str) -> str:
    """Return the id of a key that is given by it, or by its public key's file.

    Raises:
        UsageError: it is neither.
    """
    if re.fullmatch("[0-9a-f]{16}", given):
        return given
    if not Path(given).is_file():
        raise UsageError(f"--revoked {given}: it is neither an id of 16 hexadecimal digits nor a file.")
    return id_of(read_public(Path(given)))


def id_of(public: str) -> str:
    """Return the id of a public key of 64 hexadecimal digits."""
    return str(signatures.key_id(signatures.public_key(public)))


def in_words(trust: tuple[str, ...], revoked: tuple[str, ...]) -> str:
    """Return whose tasks run, in a sentence."""
    if not trust:
        return "It runs unsigned tasks: whoever has the server can run anything on its volunteers' computers."
    keys = ", ".join(id_of(public) for public in trust if id_of(public) not in revoked)
    gone = f"; revoked: {', '.join(revoked)}" if revoked else ""
    return f"It runs tasks signed with {keys or 'no key at all'}{gone}."
