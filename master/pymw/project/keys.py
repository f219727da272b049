"""BOINC's keys: RSA pairs of 1024 bits in BOINC's own text format.

A key's text is a line with the number of bits, then its numbers one after the other as fixed-width big-endian
hexadecimal, 64 digits a line, then a line with a single dot. Public: modulus and exponent, 128 bytes each.
Private: also d (128), p, q, d mod p-1, d mod q-1, q^-1 mod p (64 each). BOINC's own crypt_prog reads and
writes the same bytes. The size is not ours to choose: a client has room for 1024 bits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

from pymw.errors import ProjectError

BITS = 1024
SIZE = BITS // 8  # bytes of a modulus, and of a signature
EXPONENT = 65537
_LINE = 64  # hexadecimal digits
_PRIVATE_WIDTHS = (SIZE, SIZE, SIZE, *[SIZE // 2] * 5)  # n e d p q dp dq qi


@dataclass(frozen=True)
class PublicKey:
    """What checks signatures: modulus and exponent."""

    n: int
    e: int

    def text(self) -> str:
        """The key in BOINC's format."""
        return f"{BITS}\n{hex_block(self.n.to_bytes(SIZE, 'big') + self.e.to_bytes(SIZE, 'big'))}"


@dataclass(frozen=True)
class PrivateKey:
    """What signs. rsa: the key, for the cryptography package."""

    rsa: rsa.RSAPrivateKey

    @property
    def public(self) -> PublicKey:
        """The other half."""
        numbers = self.rsa.public_key().public_numbers()
        return PublicKey(numbers.n, numbers.e)

    def text(self) -> str:
        """The key in BOINC's format: a secret."""
        key = self.rsa.private_numbers()
        public = key.public_numbers
        numbers = (public.n, public.e, key.d, key.p, key.q, key.dmp1, key.dmq1, key.iqmp)
        widths = zip(numbers, _PRIVATE_WIDTHS, strict=True)
        return f"{BITS}\n{hex_block(b''.join(number.to_bytes(width, 'big') for number, width in widths))}"


def generate() -> PrivateKey:
    """A new key."""
    return PrivateKey(rsa.generate_private_key(public_exponent=EXPONENT, key_size=BITS))


def read_public(text: str) -> PublicKey:
    """The public key in a text. Raises ProjectError if it is none."""
    n, e = _numbers(text, (SIZE, SIZE))
    return PublicKey(n, e)


def read_private(text: str) -> PrivateKey:
    """The private key in a text. Raises ProjectError if it is none."""
    n, e, d, p, q, dp, dq, qi = _numbers(text, _PRIVATE_WIDTHS)
    try:
        return PrivateKey(
            rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n)).private_key()
        )
    except ValueError as error:
        raise ProjectError("a private key's numbers do not fit each other: the file is damaged") from error


def hex_block(data: bytes) -> str:
    """Bytes as lines of 64 hexadecimal digits and a line with a dot."""
    digits = data.hex()
    lines = [digits[at : at + _LINE] for at in range(0, len(digits), _LINE)]
    return "\n".join([*lines, ".", ""])


def unhex(text: str) -> bytes:
    """The bytes of such lines; reads up to the first character that is neither a digit nor white space."""
    digits = re.sub(r"\s", "", text.partition(".")[0])
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _numbers(text: str, widths: tuple[int, ...]) -> list[int]:
    bits, _, block = text.strip().partition("\n")
    data = unhex(block)
    if bits.strip() != str(BITS) or len(data) != sum(widths):
        raise ProjectError(f"this is no BOINC key of {BITS} bits with {sum(widths)} bytes")
    numbers = []
    for width in widths:
        numbers.append(int.from_bytes(data[:width], "big"))
        data = data[width:]
    return numbers
