"""The language that clients and servers speak: it looks like XML and is none.

A request may hold what no XML parser takes, such as a task's raw stderr. So it is read by a scanner that
takes elements one after the other and passes over what it does not understand. Bytes are taken as Latin-1,
which loses none. However a request is made, reading it takes time in proportion to its length.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from pymw.project import layout

_TAG = re.compile(r"<([A-Za-z_][A-Za-z0-9_.]{0,63})\s*(/?)>")
_UNCLOSED = 20  # elements without an end, after which the rest is passed over
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_STDERR_END = "]]>\n</stderr_out>"


class BadRequest(Exception):
    """A client sent what cannot be understood; the message is for it."""


class Fields(dict[str, str]):
    """The elements in a block by name; of several of the same name, the first."""

    def __init__(self, text: str) -> None:
        super().__init__()
        for tag, content in elements(text):
            self.setdefault(tag, content)

    def text(self, tag: str, longest: int = 255) -> str:
        """An element's text on one line, without control characters; "" if it is missing."""
        return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", self.get(tag, "")).split())[:longest]

    def name(self, tag: str = "name") -> str:
        """An element that is a name of ours; "" if it is missing, or cannot be one."""
        found = self.get(tag, "").strip()
        return found if layout.is_name(found) else ""

    def number(self, tag: str, default: float = 0.0, low: float = 0.0, high: float = 1e18) -> float:
        """An element's number, within bounds; the default if it is missing or none."""
        try:
            number = float(self.get(tag, "").strip()[:40])
        except ValueError:
            return default
        return min(max(number, low), high) if math.isfinite(number) else default

    def integer(self, tag: str, default: int = 0, low: int = 0, high: int = 2**31 - 1) -> int:
        """The same, whole."""
        return int(self.number(tag, default, low, high))


def elements(text: str) -> Iterator[tuple[str, str]]:
    """The elements of a block in order, each with what is inside; <a/> and <a></a> are the same."""
    at, unclosed = 0, set[str]()
    while (match := _TAG.search(text, at)) and len(unclosed) < _UNCLOSED:
        tag, at = match[1], match.end()
        if match[2]:
            yield tag, ""
        elif tag not in unclosed:
            end = text.find(f"</{tag}>", at)
            if end < 0:
                unclosed.add(tag)
                continue
            yield tag, text[at:end]
            at = end + len(tag) + 3


def inside(text: str, root: str) -> str:
    """What is inside the root element. Raises BadRequest if it is not there, or not whole."""
    start = text.find(f"<{root}>")
    end = text.rfind(f"</{root}>")
    if start < 0:
        raise BadRequest(f"no {root}")
    if end < start:
        raise BadRequest("no end tag")
    return text[start + len(root) + 2 : end]


def without_raw_text(text: str) -> tuple[str, list[str]]:
    """Take out each CDATA section: what tasks print may look like elements.

    Returns the text with a NUL, a number and a NUL in its place, and the sections.
    """
    text = text.replace("\0", " ")
    pieces, sections, at = list[str](), list[str](), 0
    last_end = text.rfind(_STDERR_END)
    while (start := text.find(_CDATA, at)) >= 0:
        begin = start + len(_CDATA)
        end = text.find(_STDERR_END, begin) if begin <= last_end else text.find(_CDATA_END, begin)
        if end < 0:
            break
        pieces += [text[at:start], f"\0{len(sections)}\0"]
        sections.append(text[begin:end])
        at = end + len(_CDATA_END)
    return "".join([*pieces, text[at:]]), sections


def raw_text(content: str, sections: list[str]) -> str:
    """The first CDATA section that was in this content; "" if there is none."""
    match = re.search("\0([0-9]+)\0", content)
    return sections[int(match[1])] if match else ""


def escape(text: str) -> str:
    """Text as a client reads it: only these three have a meaning there."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def element(tag: str, value: object) -> str:
    """One element on a line."""
    return f"<{tag}>{value}</{tag}>\n"


def block(tag: str, *content: str) -> str:
    """An element that holds lines."""
    return f"<{tag}>\n{''.join(content)}</{tag}>\n"
