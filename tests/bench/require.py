"""What a test does when this machine lacks something that it needs."""

import os

import pytest


def require(there: object, what: str) -> None:
    """Go on if it is there. Else skip the test on a user's machine, and fail it in continuous integration.

    Args:
        there: anything true if the component is there.
        what: names the component and says how to get it.
    """
    if there:
        return
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        pytest.skip(f"needs {what}")
    pytest.fail(f"this machine lacks {what}", pytrace=False)
