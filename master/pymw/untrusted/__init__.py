"""Reads the pickles of strangers, without unpickling them. docs/security.md says against whom.

An interpreter of our own goes through the pickle's opcodes and builds plain data, numpy arrays, standard
exceptions and instances of the classes that the user allows. It calls nothing that the pickle names: a name
is a name here, looked up in a table of builders. Nothing is imported because of it, and no attribute is
walked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pymw.errors import UntrustedResult
from pymw.untrusted.allowed import Allowed
from pymw.untrusted.limits import LIMITS, Limits
from pymw.untrusted.machine import Machine


def reader(allow: Iterable[type] = (), limits: Limits = LIMITS) -> Callable[[bytes], Any]:
    """A function from the bytes of a stranger's pickle to its value; it raises UntrustedResult.

    allow: classes whose instances may be built. Raises TypeError if one of them cannot be.
    """
    allowed = Allowed(allow)

    def read(data: bytes) -> Any:
        try:
            return Machine(data, allowed, limits).run()
        except UntrustedResult:
            raise
        except Exception as error:  # whatever wrong types and values make builders raise
            # Without the chain: its frames would keep what was built so far.
            raise UntrustedResult(f"the result is damaged: {_in_words(error)}") from None

    return read


def _in_words(error: BaseException) -> str:
    words = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
