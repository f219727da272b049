"""Changes to an XML file that leave every other byte as it was: comments, order, indentation, line ends.

Expat says where an element begins and ends in the file; the new text goes there. What has come out is parsed
again and compared with what was meant, so that a file never gets anything else than that.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from pymw.errors import ProjectError

Tree = list[Any]  # tag, attributes, text, children
_BLANK = b" \t\r\n"
_START_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*(/?)>""")
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_UNIT = b"    "  # of indentation, where a file shows none: what BOINC writes


@dataclass
class Node:
    """An element: begin and end in the file, and of its content (the same place for `<daemons/>`)."""

    tag: str
    begin: int
    end: int = 0
    content: int = 0
    content_end: int = 0
    empty: bool = False  # written <tag/>
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[Node]:
        """Its children of this name."""
        return (child for child in self.children if child.tag == tag)


@dataclass(frozen=True)
class New:
    """An element to be written: text, or children, in it."""

    tag: str
    text: str = ""
    children: tuple[New, ...] = ()

    def lines(self, indent: bytes, unit: bytes) -> list[bytes]:
        """What is written on lines of their own, in UTF-8; the first begins at `indent` already."""
        tag = self.tag.encode()
        if not self.children:
            return [b"<%b>%b</%b>" % (tag, escape(self.text).encode(), tag)]
        inner = [
            indent + unit + line if number == 0 else line
            for child in self.children
            for number, line in enumerate(child.lines(indent + unit, unit))
        ]
        return [b"<%b>" % tag, *inner, indent + b"</%b>" % tag]

    @property
    def tree(self) -> Tree:
        """What it is to be when it is read again."""
        return [self.tag, {}, self.text.strip(), [child.tree for child in self.children]]


class XmlText:
    """An XML file's bytes, and the changes that they went through.

    Attributes:
        data: the bytes now.
        root: its elements.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """name: of the file, for messages. Raises ProjectError if it is no XML that BOINC could read."""
        self._name = name
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ProjectError(f"{name} is in UTF-16, which BOINC does not read: write it in UTF-8")
        found = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf"))
        self._encoding = found[1].decode() if found else "utf-8"
        self.data = data
        self.root = self._parse()

    def append(self, parent: Node, new: New) -> None:
        """Add an element after everything in `parent`. Raises ProjectError if that cannot be done."""
        indent, unit = self._indentation(parent)
        closing = b"</%b>" % parent.tag.encode()
        last = parent.content + len(self.data[parent.content : parent.content_end].rstrip(_BLANK))
        if indent is None:  # everything stands on one line
            text = b"".join(new.lines(b"", b""))
            text = b">%b%b" % (text, closing) if parent.empty else text
            last = parent.content_end
        else:
            text = self._newline.join([b"", *new.lines(indent, unit)])
            text = text.replace(self._newline, self._newline + indent, 1)
            if parent.empty:
                text = b">%b%b%b%b" % (text, self._newline, indent.removesuffix(unit), closing)
            elif self._newline[-1:] not in self.data[last : parent.content_end]:
                text += self._newline + indent.removesuffix(unit)
        if parent.empty:
            begin, end = parent.end - 2, parent.end
            begin -= len(self.data[:begin]) - len(self.data[:begin].rstrip(_BLANK))
        else:
            begin = end = last
        path = _path(self.root, parent)
        self._change(begin, end, self._encoded(text), lambda tree: _node(tree, path)[3].append(new.tree))

    def set_text(self, node: Node, text: str) -> None:
        """Give an element that has no children another text. Raises ProjectError."""
        path = _path(self.root, node)

        def change(tree: Tree) -> None:
            meant = _node(tree, path)
            meant[2:] = [text.strip(), []]

        self._change(node.content, node.content_end, self._encoded(escape(text).encode()), change)

    def text(self, node: Node) -> str:
        """The text of an element that has no children. Raises ProjectError."""
        header = b'<?xml version="1.0" encoding="%b"?>' % self._encoding.encode()
        try:
            element = ET.fromstring(header + self.data[node.begin : node.end])
        except ET.ParseError as error:
            raise ProjectError(f"{self._name} has a <{node.tag}> that needs its DTD: {error}") from error
        return "".join(element.itertext())

    @property
    def _newline(self) -> bytes:
        return b"\r\n" if 2 * self.data.count(b"\r\n") > self.data.count(b"\n") else b"\n"

    def _encoded(self, text: bytes) -> bytes:
        return text.decode().encode(self._encoding, "xmlcharrefreplace")

    def _indentation(self, parent: Node) -> tuple[bytes | None, bytes]:
        """That of the children of `parent`, None if they begin no line; and how much deeper one level is."""
        outer = self._margin(parent.begin)
        if parent.children:
            inner = self._margin(parent.children[-1].begin)
            if inner is None:
                return None, b""
            if outer is not None and inner.startswith(outer) and inner != outer:
                return inner, inner[len(outer) :]
            return inner, self._unit
        if outer is None and parent is not self.root:
            return None, b""
        return (outer or b"") + self._unit, self._unit

    @property
    def _unit(self) -> bytes:
        """The indentation of the root's children."""
        margins = (self._margin(child.begin) for child in self.root.children)
        return next((margin for margin in margins if margin), _UNIT)

    def _margin(self, begin: int) -> bytes | None:
        """The blanks before a place; None if something else is before it on its line, or no line begins."""
        line = self.data.rfind(b"\n", 0, begin) + 1
        blanks = self.data[line:begin]
        return None if blanks.strip(b" \t") or line == 0 else blanks

    def _change(self, begin: int, end: int, text: bytes, meant: Callable[[Tree], None]) -> None:
        before, data = _tree(self.data), self.data[:begin] + text + self.data[end:]
        meant(before)
        try:
            after = _tree(data)
        except ET.ParseError:
            after = []
        if after != before:
            raise self._too_odd(f"write this by hand: {text.decode(self._encoding).strip()}")
        self.data = data
        self.root = self._parse()

    def _too_odd(self, why: str) -> ProjectError:
        return ProjectError(f"{self._name} is written in a way that this program cannot change safely: {why}")

    def _parse(self) -> Node:
        parser = expat.ParserCreate()
        document = Node("", 0)
        open_nodes = [document]

        def start(tag: str, attributes: object) -> None:
            node = Node(tag, parser.CurrentByteIndex)
            open_nodes[-1].children.append(node)
            open_nodes.append(node)

        def end(tag: str) -> None:
            self._close(open_nodes.pop(), parser.CurrentByteIndex)

        parser.StartElementHandler, parser.EndElementHandler = start, end
        try:
            parser.Parse(self.data, True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise ProjectError(f"{self._name} is no XML: {error}") from error
        return document.children[0]

    def _close(self, node: Node, place: int) -> None:
        tag = _START_TAG.match(self.data, node.begin)
        if not tag:
            raise self._too_odd("its elements stand in entities")
        if tag[1]:
            node.empty = True
            node.end = node.content = node.content_end = tag.end()
        else:
            node.content, node.content_end = tag.end(), place
            node.end = self.data.index(b">", place) + 1


def _tree(data: bytes) -> Tree:
    """Everything in a file that means something, comments too: tag, attributes, text, children."""
    builder = ET.TreeBuilder(insert_comments=True, insert_pis=True)

    def convert(element: ET.Element) -> Tree:
        text = (element.text or "").strip()
        tails = "".join((child.tail or "").strip() for child in element)
        return [element.tag, dict(element.attrib), text + tails, [convert(child) for child in element]]

    return convert(ET.fromstring(data, parser=ET.XMLParser(target=builder)))


def _path(root: Node, node: Node) -> list[int]:
    """Where an element is: the numbers among its siblings, from the root's children on."""
    for number, child in enumerate(root.children):
        if child is node:
            return [number]
        if child.begin < node.begin < child.end:
            return [number, *_path(child, node)]
    return []


def _node(tree: Tree, path: Sequence[int]) -> Tree:
    """The same element in a tree, whose comments do not count."""
    for number in path:
        tree = [child for child in tree[3] if isinstance(child[0], str)][number]
    return tree
