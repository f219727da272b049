"""BOINC's signatures: of application files, and of the permission to upload a file.

What is signed is the MD5 of the data, as 32 hexadecimal ASCII digits, in a PKCS #1 v1.5 block without the
name of the hash. Client and server expect exactly that; MD5 and 1024 bits are theirs.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import padding, utils

from pymw.project.keys import SIZE, PrivateKey, PublicKey, hex_block, unhex


def sign_digest(md5: str, key: PrivateKey) -> str:
    """The signature of the data with this MD5 (32 lower-case digits), as four lines and one with a dot."""
    return hex_block(key.rsa.sign(md5.encode("ascii"), padding.PKCS1v15(), utils.NoDigestInfo()))


def sign(data: bytes, key: PrivateKey) -> str:
    """The signature of some data."""
    return sign_digest(hashlib.md5(data, usedforsecurity=False).hexdigest(), key)


def verify(data: bytes, signature: str, key: PublicKey) -> bool:
    """Whether the signature is the key's, and of this data. Any text may come as the signature."""
    number = int.from_bytes(unhex(signature)[: SIZE + 1], "big")
    if not 0 < number < key.n:
        return False
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest().encode("ascii")
    expected = b"\0\1" + b"\xff" * (SIZE - 3 - len(md5)) + b"\0" + md5
    # With an exponent of 17 bits pow() costs as little as a call into a library.
    return hmac.compare_digest(pow(number, key.e, key.n).to_bytes(SIZE, "big"), expected)


def certificate(name: str, max_nbytes: int) -> bytes:
    """What is signed to let a client upload a file of this name, with so many bytes at most."""
    return f"<name>{name}</name><max_nbytes>{max_nbytes}</max_nbytes>".encode("latin-1")
