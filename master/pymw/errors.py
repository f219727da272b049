"""The exceptions that pymw raises. Each message is one sentence: what, why, and what to do.

Exception
└── PyMWError
    └── FunctionError       a function, or what it needs, cannot be sent to a volunteer
        └── ArgumentError   the arguments of one call cannot
"""

from __future__ import annotations


class PyMWError(Exception):
    """Base of all exceptions that pymw raises on purpose."""


class FunctionError(PyMWError):
    """A function, its modules, files or arguments cannot be sent to a volunteer."""


class ArgumentError(FunctionError):
    """The arguments of one call cannot be sent to a volunteer."""
