"""What the user reads of runs: tables for people. The facts are those of run_status."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_NUMBERS = {"tasks", "finished", "failed", "running", "waiting", "unfinished", "each", "in all"}
_EXAMPLE = 300  # characters of a failure's message


def print_runs(runs: Sequence[dict[str, Any]], console: Console) -> None:
    """Print one line for each run that could be read."""
    table = _table("run", "tasks", "finished", "failed", "running", "waiting", "last change", "program")
    for run in runs:
        if "error" not in run:
            counts = [f"{run[name]:,}" for name in ("tasks", "finished", "failed", "running", "waiting")]
            _row(
                table, run["name"], *counts, _ago(run["last_change"]), "works on it" if run["in_use"] else "–"
            )
    console.print(table)


def print_status(facts: dict[str, Any], console: Console) -> None:
    """Print all about one run."""
    counts = ", ".join(f"{facts[name]:,} {name}" for name in ("finished", "failed", "running", "waiting"))
    _line(console, f"{facts['folder']}: {facts['tasks']:,} tasks: {counts}")
    _line(console, _program(facts))
    _line(console, _speed(facts))
    for title, what in (("function", "functions"), ("worker", "workers")):
        if facts[what]:
            console.print()
            _print_parts(title, facts[what], console)
    for failure in facts["failures"]:
        example = " ".join(failure["example"].split())[:_EXAMPLE]
        _line(console, f"\n{failure['count']:,} failed: {failure['type']}, such as task {failure['task']}:")
        _line(console, f"  {example}")


def _program(facts: dict[str, Any]) -> str:
    if not facts["in_use"]:
        return f"No program works on it; the last change was {_ago(facts['last_change'])}."
    owner = facts["owner"]
    if not {"pid", "host", "since"} <= owner.keys():
        return "A program works on it."
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owner["since"]))
    return f"Process {owner['pid']} on {owner['host']} works on it since {since}."


def _speed(facts: dict[str, Any]) -> str:
    rates = [
        f"{facts[name]:,.1f} {words}"
        for name, words in (("per_minute_lately", "lately"), ("per_minute", "overall"))
        if facts[name] is not None
    ]
    speed = f"Results per minute: {', '.join(rates) or 'not known yet'}."
    if facts["seconds_left"]:
        speed += f" About {_duration(facts['seconds_left'])} left."
    return speed


def _print_parts(title: str, parts: Sequence[dict[str, Any]], console: Console) -> None:
    table = _table(title, "finished", "failed", "unfinished", "each", "in all", "last result")
    for part in parts:
        counts = [f"{part[name]:,}" for name in ("finished", "failed", "unfinished")]
        times = [_duration(part["seconds_each"]), _duration(part["seconds"])]
        _row(table, part[title], *counts, *times, _ago(part["last_result"]))
    console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    return table


def _row(table: Table, *cells: str) -> None:
    table.add_row(*[Text(cell) for cell in cells])  # names may look like markup


def _line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def _ago(moment: float | None) -> str:
    if moment is None:
        return "never"
    return f"{_duration(max(0.0, time.time() - moment))} ago"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} days"
