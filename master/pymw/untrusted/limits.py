"""How much a stranger's pickle may cost. All that grows faster than the pickle itself is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pymw.errors import UntrustedResult


@dataclass(frozen=True)
class Limits:
    """What one pickle may hold and cost.

    bytes: of the pickle. depth: of containers in containers; hashing a tuple recurses in C, which nothing
    else bounds. objects: containers, instances and memo entries, each of which has 250 bytes at most when it
    is empty, and one byte in the pickle. integer: bytes of an integer. digits: of a number written in
    decimal, which takes quadratic time to read. work, work_per_byte: bytes that may be copied, hashed or
    compared, at first and for each byte of the pickle: an object from the memo costs two bytes each time it
    is used, however large it is. hashing, hashing_per_key: seconds of processor time to put keys of chosen
    hashes into dicts and sets; honest keys take a tenth of a microsecond.
    """

    bytes: int = 1 << 30
    depth: int = 1000
    objects: int = 1 << 22
    integer: int = 1 << 24
    digits: int = 4300
    work: int = 1 << 20
    work_per_byte: int = 16
    hashing: float = 2.0
    hashing_per_key: float = 2e-5


LIMITS = Limits()


class Budget:
    """What is left of the limits for one pickle."""

    def __init__(self, size: int, limits: Limits) -> None:
        if size > limits.bytes:
            raise too_much(f"{size} bytes; at most {limits.bytes} are read")
        self.limits = limits
        self.objects = limits.objects
        self.work = limits.work + limits.work_per_byte * size
        self.seconds = limits.hashing

    def one_more(self, count: int = 1) -> None:
        """Count new objects. Raises UntrustedResult if there are too many."""
        self.objects -= count
        if self.objects < 0:
            raise too_much(f"more than {self.limits.objects} objects")

    def spend(self, amount: int) -> None:
        """Count bytes that are copied, hashed or compared. Raises UntrustedResult if it is too much work."""
        self.work -= amount
        if self.work < 0:
            raise too_much("objects that are used so often that reading them would take forever")

    def integer(self, size: int) -> None:
        """Check the bytes of an integer. Raises UntrustedResult."""
        if size > self.limits.integer:
            raise too_much(f"an integer of {size} bytes; at most {self.limits.integer} are read")

    def digits(self, count: int) -> None:
        """Check the length of a number in decimal. Raises UntrustedResult."""
        if count > self.limits.digits:
            raise too_much(f"a number of {count} decimal digits; at most {self.limits.digits} are read")


def too_much(what: str) -> UntrustedResult:
    """The error for a pickle that goes beyond a limit."""
    return UntrustedResult(f"the result has {what}")


# What an object in a container costs, compared to a byte in a string.
OBJECT = 8


def size_of(value: Any) -> int:
    """Roughly what it costs to copy, hash or compare a value, in bytes, without what it contains."""
    kind = type(value)
    if kind is int:
        return OBJECT + int(value.bit_length()) // 8
    if kind in (str, bytes, bytearray):
        return OBJECT + len(value)
    if kind in (list, tuple, dict, set, frozenset):
        return OBJECT + OBJECT * len(value)
    return OBJECT
