"""Functions that volunteers call, besides those of tests/client/jobs.py. Each travels as its source."""


def large(size):  # type: ignore[no-untyped-def]
    """Return so many bytes that do not compress."""
    import hashlib

    pieces = [hashlib.sha256(str(i).encode()).digest() for i in range(size // 32)]
    return b"".join(pieces)


def rest(seconds):  # type: ignore[no-untyped-def]
    """Return how long it took, after so many seconds."""
    import time

    time.sleep(seconds)
    return seconds
