"""`pymw_setup`: the command line."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pymw_packager import command, progress, python_options
from pymw_packager.command import FAULTY, OK
from pymw_packager.errors import PackagerError
from pymw_platforms import PlatformError

from pymw.errors import ProjectError, PyMWError
from pymw.server.database import Database
from pymw.server.home import ServerHome
from pymw.server.setup import check, preflight, running
from pymw.server.setup.state import look
from pymw.server.setup.steps import Setup, Step
from pymw.server.setup.wanted import DEFAULT_PLATFORMS, Wanted, settle

_PROGRAM = "pymw_setup"

DESCRIPTION = f"""\
Makes a project of the stock BOINC server run the tasks of PyMW's programs. Call it on the server, in the
project's folder or its bin/, as the user that the project belongs to. It puts the application into the
project, for {", ".join(DEFAULT_PLATFORMS)},
and the daemons that it needs into config.xml. Called again, it gives the assimilator another TASK_DIR, and
changes nothing else. Each step is reported, and done when its effect is seen; what a call that was
interrupted has left behind, the same call takes up."""

EXAMPLES = """\
examples:
  cd ~/projects/sandbox/bin && pymw_setup -p ~/tasks --key alice.pub
      Volunteers will run what Alice's task key has signed (`pymw keys create`, on her computer, made
      alice.pem and alice.pub). Results come to ~/tasks. Then: bin/start.
  pymw_setup -p ~/tasks --key alice.pub --dry-run
      Say what would be done, and do nothing.
  pymw_setup -p ~/tasks --key alice.pub --quorum 2 --platform aarch64-unknown-linux-gnu
      Two computers must agree on each result; 64-bit ARM is built for as well.
  pymw_setup -p /srv/tasks --restart
      The project is set up: the assimilator gets another folder, and the daemons are started again.
  pymw_setup --upgrade --package numpy
      A new version of the application, for all platforms that have one, with numpy in its Python.
  pymw_setup --upgrade --key new.pub --key alice.pub
      From now on either of two keys counts. Later, --key new.pub --revoked alice.pub ends the old one.
  pymw_setup --check
      Say what stands and what lacks: daemons, keys, versions, web pages.

exit status: 0 all went well, 1 --check found that something lacks, 2 something could not be done,
130 interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    return command.run(_PROGRAM, lambda: _run(options), (PyMWError, PackagerError, PlatformError))


def _parser() -> argparse.ArgumentParser:
    parser = command.Parser(prog=_PROGRAM, description=DESCRIPTION, epilog=EXAMPLES)
    add = parser.add_argument
    add("-p", "--pymw", metavar="TASK_DIR", type=Path, help="where results come to; made if absent")
    add(
        "--project-home",
        metavar="DIR",
        type=Path,
        help="the project's folder (default: this one)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say what stands and what lacks; change nothing")
    what.add_argument("--dry-run", action="store_true", help="say what would be done; change nothing")
    add("--upgrade", action="store_true", help="install a new version of the application")
    add("--restart", action="store_true", help="stop the project's daemons at the end, and start them")
    add("--quorum", metavar="N", type=int, help="equal results that a task needs (default: 1)")
    add = parser.add_argument_group("the application").add_argument
    add("--platform", metavar="P", action="append", default=[], help="for this platform too; may be repeated")
    add("--all", action="store_true", help="for every platform that can be built here")
    add("--app-version", metavar="V", help="its version MAJOR.MINOR (default: the next that is free)")
    trust = parser.add_argument_group("whose tasks it runs")
    whose = trust.add_mutually_exclusive_group()
    whose.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="those signed with this key (the .pub of `pymw keys create`); may be repeated (default: those "
        "that the project trusts, or the key that `pymw keys create` made here)",
    )
    whose.add_argument("--unsigned", action="store_true", help="anybody's")
    trust.add_argument(
        "--revoked", metavar="ID|FILE", action="append", default=[], help="but not with this former key"
    )
    python_options.add_to(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    home = preflight.find(options.project_home)
    if options.check:
        return _check(home, options.pymw)
    if options.pymw is None and not options.upgrade:
        raise ProjectError("name a folder for results with -p TASK_DIR; see pymw_setup --help")
    preflight.check_folder(home)
    with contextlib.closing(Database(home.database)) as database, _alone(home):
        state = look(home, database)
        wanted = settle(options, home, state)
        setup = Setup(home, database, state, wanted, progress.for_stderr())
        preflight.check_wanted(home, state, wanted, setup.project)
        print(f"the project {home.folder}: {_summary(wanted)}", flush=True)
        steps = list(setup.steps())
        if options.restart:
            steps.append(Step("bin/stop and bin/start", lambda: running.restart(home)))
        if options.dry_run:
            _say(steps)
            return OK
        _perform(steps)
    print(_farewell(home))
    return OK


def _check(home: ServerHome, task_dir: Path | None) -> int:
    print(f"the project {home.folder}")
    status = OK
    for finding in check.check(home, task_dir):
        if finding.good:
            print(f"  stands  {finding.what}", flush=True)
        else:
            status = FAULTY
            print(f"  LACKS   {finding.what}\n          ({finding.remedy})", flush=True)
    return status


@contextlib.contextmanager
def _alone(home: ServerHome) -> Iterator[None]:
    """No two of us change a project at the same time. Raises ProjectError."""
    handle = os.open(home.folder / "apps", os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ProjectError(f"another pymw_setup works on {home.folder}: wait for its end") from error
        yield
    finally:
        os.close(handle)


def _summary(wanted: Wanted) -> str:
    if wanted.mode == "folder":
        return "it has the application, so only its daemons' settings change (a new version: --upgrade)"
    whose = f"tasks signed with {len(wanted.keys)} key{'s' * (len(wanted.keys) != 1)}"
    return f"version {wanted.version} of the application, for {whose if wanted.trust else 'UNSIGNED tasks'}"


def _say(steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps, 1):
        print(f"{number:2}. would do: {step.what}")


def _perform(steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps, 1):
        done = f"steps 1 to {number - 1} of {len(steps)} stand" if number > 1 else "nothing was changed"
        stand = f"{done}, and the same command goes on from there"
        print(f"{number:2}. {step.what}", flush=True)
        try:
            print(f"    {step.do()}", flush=True)
        except (PyMWError, PackagerError, OSError) as error:
            print("    FAILED", flush=True)
            why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
            raise ProjectError(f"step {number}, {step.what}: {why.rstrip('.')}; {stand}") from error
        except KeyboardInterrupt:
            print(f"    interrupted; {stand}", flush=True)
            raise


def _farewell(home: ServerHome) -> str:
    if home.host != running.short_host():
        here = running.short_host()
        return (
            f"done; but config.xml says <host>{home.host}</host>, not {here}: bin/start would start nothing"
        )
    started = [each.since for each in running.here(home) if each.pid]
    if any(since < (home.folder / "config.xml").stat().st_mtime for since in started):
        return (
            "done; daemons read config.xml when they start: the same command with --restart, or bin/stop, a\n"
            "wait until all have ended, and bin/start"
        )
    start = "" if started else "start the daemons with bin/start; "
    return f"done; {start}`pymw_setup --check` looks at everything"


if __name__ == "__main__":
    sys.exit(main())
