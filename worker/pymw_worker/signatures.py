"""Signatures in the seals of a container: the master writes them, the worker verifies them.

    ed25519 3d4017c3e843895a <128 hexadecimal digits>

What is signed is short, and nothing else that anybody signs begins like it. It names the SHA-256 of the
manifest, which names every byte of the file, its kind and its format version.
"""

import binascii
import re

from pymw_worker import digests, ed25519, text

ALGORITHM = "ed25519"

# A file may bear signatures of several keys. More are not looked at: each takes a few milliseconds.
MAX_VERIFIED = 8

_LINE = re.compile("ed25519 ([0-9a-f]{16}) ([0-9a-f]{128})\\Z")
_KEY = re.compile("[0-9a-f]{64}\\Z")


def message(kind, digest):
    """The bytes that are signed. kind: of the container. digest: SHA-256 of its manifest, as text."""
    return text.to_bytes("PyMW signature 1\n%s\nsha256 %s\n" % (kind, digest))


def key_id(public):
    """What a public key of 32 bytes is called: the first 16 hexadecimal digits of its SHA-256."""
    return digests.sha256_of(public)[:16]


def line(public, signature):
    """The seal for a signature; both are bytes."""
    return "%s %s %s" % (ALGORITHM, key_id(public), binascii.hexlify(signature).decode("ascii"))


def signers(box, kind, keys):
    """The ids of those keys that have signed a Container. keys: dictionary of public keys (bytes) by id."""
    found = []
    wanted = [match for match in [_LINE.match(each) for each in box.signatures] if match]
    for match in [match for match in wanted if match.group(1) in keys][:MAX_VERIFIED]:
        name = str(match.group(1))
        signature = binascii.unhexlify(match.group(2).encode("ascii"))
        if name not in found and ed25519.verify(keys[name], message(kind, box.digest), signature):
            found.append(name)
    return found


def claimed(box):
    """The ids of the keys that a Container says are its signers, whether that is true or not."""
    return [str(match.group(1)) for match in [_LINE.match(each) for each in box.signatures] if match]


def public_line(words):
    """(the key's bytes, its name) from a public key's file, `ed25519 HEX NAME`. Raises ValueError."""
    fields = words.split(None, 2)
    if len(fields) < 2 or fields[0] != ALGORITHM:
        raise ValueError("it does not begin with %s" % ALGORITHM)
    return public_key(fields[1]), "".join(fields[2:]).strip()


def public_key(digits):
    """The bytes of a public key from 64 hexadecimal digits. Raises ValueError."""
    if not _KEY.match(digits):
        raise ValueError("%r is no public key of 64 hexadecimal digits" % (digits,))
    return binascii.unhexlify(digits.encode("ascii"))
