"""How often to repeat what depends on chance: `make soak` has an hour, `make test` has not."""

import os

SOAKING = os.environ.get("PYMW_SOAK", "") not in ("", "0")


def rounds(usually: int, soaking: int) -> int:
    """Return how often to try; the test is then marked `soak`, for `make soak` to find it."""
    return soaking if SOAKING else usually
