"""Reads what a project answers.

What the stock server sends is not always well-formed, PHP's warnings may stand in it, and it holds what
strangers' tasks printed: so it is read element by element (pymw.project.messages), never by an XML parser.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from pymw.boinc import reasons
from pymw.errors import ProjectError
from pymw.project.messages import Fields, elements
from pymw.remote.web import Reply, Unreachable

LARGEST_ID = 2**63
_PASSING = (-183, -138)  # errors: the project is stopped, or its database is
_CDATA = re.compile(r"\s*<!\[CDATA\[\n?(.*)\]\]>\s*", re.DOTALL)
_EXIT_STATUS = re.compile(r">\s*(-?[0-9]{1,10}) \(0x[0-9A-Fa-f]{1,16}\)")
_HOST = re.compile(r"show_host_detail\.php\?hostid=([0-9]{1,18})")
_STDERR = re.compile(r"<pre>(.*)</pre>", re.DOTALL)


class Refused(ProjectError):
    """The project has answered, and does not do it. reason: in its own words."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Attempt:
    """What became of one result of a job. host, exit_status: None if that is not told."""

    host: int | None
    exit_status: int | None
    stderr: str


def content(reply: Reply, command: str, url: str) -> str:
    """What is in the element of this name, to the end if the reply breaks off.

    Raises Refused, Unreachable, ProjectError.
    """
    text = reply.body.decode("utf-8", "replace")
    _, found, inside = text.partition(f"<{command}>")
    error = Fields(first(inside if found else text, "error"))
    if "error_num" in error:
        reason = html.unescape(error.text("error_msg", 300))
        words = f"{url} refuses {command}: {reason}"
        if error.integer("error_num", low=-10_000) in _PASSING:
            raise Unreachable(words)
        raise Refused(words, reason)
    if found:
        return inside.partition(f"</{command}>")[0]
    if reply.status >= 500:
        raise Unreachable(f"{url} answers {command} with {reply.status}")
    raise ProjectError(
        f"{url} does not answer {command} as a BOINC project that takes jobs from elsewhere does (status "
        f"{reply.status}): is that the project's master URL?"
    )


def first(text: str, tag: str) -> str:
    """What is inside the first element of this name, to the text's end if it breaks off; "" without one."""
    rest = text.partition(f"<{tag}>")[2]
    return rest.partition(f"</{tag}>")[0]


def each(text: str, tag: str) -> list[Fields]:
    """The elements of this name."""
    return [Fields(inside) for name, inside in elements(text) if name == tag]


def stderr(fields: Fields) -> str:
    """What a task has printed, as query_completed_job has it."""
    text = fields.get("stderr_out", "")
    match = _CDATA.fullmatch(text)
    return reasons.unwrapped(html.unescape(match[1] if match else text))


def result_page(page: str) -> Attempt:
    """What the web page of a result says. Its words may be in any language."""
    exit_status, host, said = (pattern.search(page) for pattern in (_EXIT_STATUS, _HOST, _STDERR))
    return Attempt(
        int(host[1]) if host else None,
        int(exit_status[1]) if exit_status else None,
        reasons.unwrapped(html.unescape(said[1])) if said else "",
    )
