"""What a master submits: workunits, as plain data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from pymw_worker import names

from pymw.errors import ProjectError
from pymw.project import layout

_BOUNDS = ("max_nbytes", "delay_bound", "rsc_fpops_est", "rsc_fpops_bound", "memory_bound", "disk_bound")


@dataclass(frozen=True, slots=True)
class Input:
    """An input file of a workunit.

    file: its name, as `stage` returned it. logical_name: the name that the application opens. sticky: the
    client keeps it for later workunits.
    """

    file: str
    logical_name: str
    sticky: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """An output file of a workunit.

    logical_name: the name that the application writes. validated: whether results must be equal in it.
    optional: whether a result without it is a success.
    """

    logical_name: str
    validated: bool = True
    optional: bool = False


RESULT_AND_LOG = (Output(names.RESULT), Output(names.LOG, validated=False, optional=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workunit:
    """A piece of work.

    Attributes:
        name: known for ever; the same name again means the same workunit.
        inputs, outputs: its files.
        command_line: for the application. A client splits it at white space; quotes group, nothing escapes.
        batch: what belongs together; "" if nothing does.
        target_nresults: results that are made at first.
        min_quorum: results that must be equal.
        max_error_results: errors of the task itself that are borne; what a computer lacks does not count.
        max_total_results: results that are ever made.
        max_nbytes: of each output file, bytes.
        delay_bound: seconds that a client has for a result, from when it gets it.
        rsc_fpops_est: floating-point operations that it takes, as well as is known. Clients ask for as much
            work as fills their buffers by this.
        rsc_fpops_bound: operations, after which a client stops it.
        memory_bound, disk_bound: bytes that it may use; computers with less memory do not get it.
    """

    name: str
    inputs: tuple[Input, ...]
    command_line: str = ""
    outputs: tuple[Output, ...] = RESULT_AND_LOG
    batch: str = ""
    target_nresults: int = 1
    min_quorum: int = 1
    max_error_results: int = 2
    max_total_results: int = 10
    max_nbytes: int = 100_000_000
    delay_bound: float = 86_400.0
    rsc_fpops_est: float = 1e12
    rsc_fpops_bound: float = 1e17
    memory_bound: float = 1e8
    disk_bound: float = 1e9

    def check(self) -> None:
        """Raises ProjectError for what no client could take."""
        if not layout.is_name(self.name) or len(self.name) > 150:
            raise ProjectError(
                f"{self.name!r} is no name for a workunit: 150 letters, digits and . _ - + at most"
            )
        if len(self.command_line) > 4000 or not self.command_line.isprintable():
            raise ProjectError(f"the command line of the workunit {self.name} is too long, or no line")
        if len(self.batch) > 200 or not self.batch.isprintable():
            raise ProjectError(f"{self.batch[:200]!r} is no name for a batch")
        logical = [each.logical_name for each in self.inputs] + [each.logical_name for each in self.outputs]
        if wrong := [name for name in logical if not layout.is_name(name)]:
            raise ProjectError(f"the workunit {self.name} has a file with the unusable name {wrong[0]!r}")
        if len(set(logical)) != len(logical) or not self.outputs or not self.outputs[0].validated:
            raise ProjectError(
                f"the workunit {self.name} needs an output that is validated, first, and a name for each file"
            )
        if not 1 <= self.min_quorum <= self.target_nresults <= self.max_total_results <= 1000:
            raise ProjectError(
                f"the workunit {self.name} must have 1 <= min_quorum <= target_nresults <= max_total_results"
            )
        wrong = [name for name in _BOUNDS if not 0 < getattr(self, name) < 1e30]
        if wrong or self.max_error_results < 0:
            name = (wrong or ["max_error_results"])[0]
            raise ProjectError(f"the workunit {self.name} has a {name} that makes no sense")

    def text(self) -> str:
        """The workunit as JSON, equal for equal ones."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    def digest(self) -> bytes:
        """Tells it from another one of the same name."""
        return hashlib.sha256(self.text().encode()).digest()


def read(text: str) -> Workunit:
    """The workunit that `text` was made from."""
    found: dict[str, Any] = json.loads(text)
    found["inputs"] = tuple(Input(**each) for each in found["inputs"])
    found["outputs"] = tuple(Output(**each) for each in found["outputs"])
    return Workunit(**found)


def output_name(result: str, nonce: int, position: int) -> str:
    """The name of an output file of a result. The random number keeps it from being guessed or met again."""
    return f"{result}_r{nonce}_{position}"
