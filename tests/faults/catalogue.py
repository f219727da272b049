"""The faults that have names: catalogue.toml, and which tests say that they bring one about."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TESTS = Path(__file__).parent.parent


@dataclass(frozen=True)
class Catalogue:
    """What can go wrong.

    groups: names of faults by heading, in the order of the table. untested: fault: why no test brings it
    about. windows: fault: why not on Windows, or not under Wine.
    """

    groups: dict[str, tuple[str, ...]]
    untested: dict[str, str]
    windows: dict[str, str]

    @property
    def faults(self) -> tuple[str, ...]:
        """All names."""
        return tuple(fault for group in self.groups.values() for fault in group)


def load() -> Catalogue:
    """Read catalogue.toml."""
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    groups = {group["heading"]: tuple(group["faults"]) for group in found["group"]}
    return Catalogue(groups, found["untested"], found["windows"])


def marked() -> Iterator[tuple[Path, str]]:
    """Each file of a test with each fault that stands in one of its marks, whatever of it is run."""
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
                yield from ((path, ast.literal_eval(argument)) for argument in node.args)
