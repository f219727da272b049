"""Event traces of the Failure Trace Archive: when real computers could be had."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

_NODE, _TYPE, _START, _STOP = 2, 5, 6, 7
_AVAILABLE = 1.0


@dataclass
class _Events:
    starts: array[float] = field(default_factory=lambda: array("d"))
    stops: array[float] = field(default_factory=lambda: array("d"))


TraceSource = str | PathLike[str] | Iterable[str]
Intervals = tuple[list[float], list[float]]


def read(source: TraceSource, most: int | None = None) -> dict[str, Intervals]:
    """The availability of each node in an event_trace.tab: lengths of intervals in seconds, and fractions.

    source: the path of a file, or its lines: a header, then one event a line, in columns that are separated
    by tabs (or blanks): node in the third, type in the sixth (1 for available; all others are gaps), start
    and stop in the next, in seconds. most: take so many nodes, those that come first. All nodes begin and end
    together, with the first and the last event of them all. Raises ValueError, which names the line; OSError.
    """
    if isinstance(source, str | PathLike):
        with Path(source).open(encoding="utf-8", errors="replace") as file:
            return read(file, most)
    nodes: dict[str, _Events] = {}
    first, last = float("inf"), float("-inf")
    for number, line in enumerate(source, 1):
        if number == 1 or not line.strip() or line.startswith("#"):
            continue
        node, available, start, stop = _event(line, number)
        if node not in nodes and most is not None and len(nodes) >= most:
            continue
        events = nodes.setdefault(node, _Events())
        first, last = min(first, start), max(last, stop)
        if available:
            events.starts.append(start)
            events.stops.append(stop)
    return {node: _intervals(events, first, last) for node, events in nodes.items()}


def _event(line: str, number: int) -> tuple[str, bool, float, float]:
    """Node, whether it is available, start and stop."""
    fields = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
    try:
        start, stop = float(fields[_START]), float(fields[_STOP])
        if not -float("inf") < start <= stop < float("inf"):
            raise ValueError
    except (IndexError, ValueError):
        raise ValueError(
            f"line {number} of the trace is no event: it needs a start time in column 7, "
            "and a stop time that is not earlier in column 8"
        ) from None
    try:
        available = float(fields[_TYPE]) == _AVAILABLE
    except ValueError:
        available = True  # traces that list nothing but availability need not say so in numbers
    return fields[_NODE].strip(), available, start, stop


def _intervals(events: _Events, first: float, last: float) -> Intervals:
    """What lies between the first and the last moment. Events may overlap, and come in any order."""
    lengths: list[float] = []
    fractions: list[float] = []

    def add(length: float, fraction: float) -> None:
        if length > 0:
            lengths.append(length)
            fractions.append(fraction)

    here = first
    begun = first
    for start, stop in sorted(zip(events.starts, events.stops, strict=True)):
        if start > here:
            add(here - begun, 1.0)
            add(start - here, 0.0)
            begun = start
        here = max(here, stop)
    add(here - begun, 1.0)
    add(last - here, 0.0)
    return lengths, fractions
