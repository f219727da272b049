"""BOINC's signatures of application files, and the permission to upload a file.

What is signed is the MD5 of the data, as 32 hexadecimal ASCII digits, in a PKCS #1 v1.5 block without the
name of the hash. Clients expect exactly that; MD5 and 1024 bits are theirs.

A permission to upload goes from the server to a client and back, and only the server looks into it. So it
needs no public key: it is an HMAC, which is stronger than BOINC's signature, and costs a hundredth of it.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.asymmetric import padding, utils

from pymw.project.keys import PrivateKey, hex_block, unhex


def sign_digest(md5: str, key: PrivateKey) -> str:
    """The signature of the data with this MD5 (32 lower-case digits), as four lines and one with a dot."""
    return hex_block(key.rsa.sign(md5.encode("ascii"), padding.PKCS1v15(), utils.NoDigestInfo()))


def certificate(name: str, max_nbytes: int, secret: bytes) -> str:
    """What lets a client upload a file of this name, with so many bytes at most, as a line and a dot."""
    return hex_block(_code(name, max_nbytes, secret))


def is_certified(name: str, max_nbytes: int, shown: str, secret: bytes) -> bool:
    """Whether what a client shows is this file's certificate. Any text may come."""
    return hmac.compare_digest(unhex(shown), _code(name, max_nbytes, secret))


def _code(name: str, max_nbytes: int, secret: bytes) -> bytes:
    about = f"<name>{name}</name><max_nbytes>{max_nbytes}</max_nbytes>"
    return hmac.digest(secret, about.encode("latin-1"), "sha256")
