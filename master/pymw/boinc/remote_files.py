"""Input files that programs send to a project by BOINC's web RPCs: how they are called."""

from __future__ import annotations

import hashlib
import re

PREFIX = "pymw_remote_"
NAME = re.compile(PREFIX + "(?:bundle|arguments)_[0-9a-f]{32}")


def name_of(kind: str, data: bytes) -> str:
    """The name of a file, which its content decides; nobody else's cleaning up knows such names.

    kind: bundle or arguments.
    """
    return f"{PREFIX}{kind}_{hashlib.sha256(data).hexdigest()[:32]}"
