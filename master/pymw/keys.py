"""Identities of calls that are the same in every process. Stands in for the real one."""

from __future__ import annotations

import hashlib
import marshal
from typing import Any

from pymw_worker import values


def of_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """The identity of the arguments of a call."""
    try:
        return hashlib.sha256(marshal.dumps((args, kwargs), 2)).digest()
    except ValueError:
        return hashlib.sha256(values.dumps((args, kwargs))).digest()
