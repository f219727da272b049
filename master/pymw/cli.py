"""`pymw`: the command line. What runs have done, are doing, and their results; BOINC projects."""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from pymw_packager import command
from pymw_packager.command import FAILED, FAULTY, OK

from pymw import account_command, keys_command, report, run_folder, run_status
from pymw.errors import PyMWError
from pymw.export import Export
from pymw.project import project_cli

_PROGRAM = "pymw"

DESCRIPTION = """\
Looks into runs: what programs that use pymw.Master(run=NAME) have kept, and keep while one looks.
`pymw project` makes and serves a BOINC project, `pymw keys` the keys that sign tasks."""

EXAMPLES = """\
examples:
  pymw runs
      The runs in pymw_runs, and whether a program works on them.
  pymw status sweep-7
      How far it is, how fast, what failed and why, and who has done how much.
  pymw export sweep-7 --output results.jsonl
      All tasks with arguments and values, one JSON object a line, as jq, pandas and others read them.
  pymw export sweep-7 --failed | head
      Those that failed.

RUN is the name of a folder in pymw_runs here (or in the folder that PYMW_RUNS names), or a path.

exit status: 0 all is well; 1 status: tasks have failed, export: some values could not be read;
2 it could not be done; 130 interrupted"""

EXPORT = """\
Each line is one task, by number: task (its number), function, args and kwargs, state (finished,
failed, running, waiting), value or error (type, message, traceback), stdout_length, log (what the worker
says), submitted, started, finished (UTC), elapsed (seconds), attempts, worker.

A value is written as JSON: tuples, sets and numpy arrays are lists, bytes {"base64": ...}, complex numbers
{"real": ..., "imag": ...}, dates ISO 8601, Decimals and infinities text. An object of a class of your
program, which is not run here, is {"class": NAME, its attributes}. An argument that JSON does not know is
text, as Python shows it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    return command.run(_PROGRAM, lambda: int(options.command(options)), (PyMWError,))


def _parser() -> argparse.ArgumentParser:
    parser = command.Parser(prog=_PROGRAM, description=DESCRIPTION, epilog=EXAMPLES)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    runs = commands.add_parser("runs", help="show the runs of a folder")
    runs.add_argument("--folder", metavar="DIR", type=Path, help="the folder (default: pymw_runs, PYMW_RUNS)")
    runs.set_defaults(command=_runs)
    status = commands.add_parser("status", help="show how far a run is")
    status.set_defaults(command=_status)
    export = commands.add_parser("export", help="write the tasks of a run as JSON lines", description=EXPORT)
    export.add_argument("--output", metavar="FILE", type=Path, help="write here (default: standard output)")
    export.add_argument("--failed", action="store_true", help="only the tasks that failed")
    export.set_defaults(command=_export)
    for each in (status, export):
        each.add_argument("run", metavar="RUN", help="its name, or its folder")
    for each in (runs, status):
        each.add_argument("--json", action="store_true", help="print it as JSON")
    project_cli.add_to(commands)
    keys_command.add_to(commands)
    account_command.add_to(commands)
    return parser


def _runs(options: argparse.Namespace) -> int:
    found = run_status.summaries(options.folder or run_folder.parent())
    if options.json:
        command.print_json(found)
    else:
        report.print_runs(found, command.console())
    for each in found:
        if "error" in each:
            command.complain(_PROGRAM, f"{each['error']}.")
    return FAILED if any("error" in each for each in found) else OK


def _status(options: argparse.Namespace) -> int:
    facts = run_status.status(run_folder.find(options.run))
    if options.json:
        command.print_json(facts)
    else:
        report.print_status(facts, command.console())
    return FAULTY if facts["failed"] else OK


def _export(options: argparse.Namespace) -> int:
    export = Export(run_folder.find(options.run), options.failed)
    with _output(options.output) as stream:
        for line in export.lines():
            stream.write(line)
    if export.unreadable:
        command.complain(_PROGRAM, f"{export.unreadable} values could not be read; their lines say why.")
    return FAULTY if export.unreadable else OK


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[str]]:
    """Where to write: a file appears when all of it is written."""
    if path is None:
        yield sys.stdout
        return
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        temporary = Path(stream.name)
        try:
            yield stream
            stream.close()
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The process's: it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


if __name__ == "__main__":
    sys.exit(main())
