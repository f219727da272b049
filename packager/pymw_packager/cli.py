"""`pymw-package`: the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pymw_platforms import Platform, PlatformError, all_platforms, load
from rich.console import Console

from pymw_packager import app_version, command, progress, python_options, report, task_keys
from pymw_packager.app_version import AppVersion, Recipe
from pymw_packager.check import app_versions, check
from pymw_packager.command import FAILED, FAULTY, OK
from pymw_packager.errors import PackagerError, UsageError
from pymw_packager.names import normal_version

_PROGRAM = "pymw-package"

DESCRIPTION = """\
Builds what a volunteer's BOINC client downloads to run PyMW tasks: a launcher, the worker and, unless you
say otherwise, a compressed Python for those who have none. Each platform's files come into a folder
DIR/pymw/VERSION/PLATFORM, as BOINC's update_versions takes them."""

EXAMPLES = """\
examples:
  pymw-package --platform windows_intelx86
      For every Windows volunteer; a Python of theirs is used if there is one, else the one that comes along.
  pymw-package --platform i686-pc-linux-gnu --platform x86_64-pc-linux-gnu --app-version 1.05 --output apps
      The next version, for two platforms. BOINC never takes changed files under an old version.
  pymw-package --platform windows_intelx86 --package numpy --python-version 3.11
      The tasks need numpy: it goes into the Python that comes along, which is then used first.
  pymw-package --platform windows_intelx86 --lean
      A smaller Python, for tasks that need neither ssl nor sqlite3 nor what else seldom is needed.
  pymw-package --platform x86_64-pc-linux-gnu --interpreter none
      A small package for volunteers who have a Python.
  pymw-package --platform x86_64-pc-linux-gnu --interpreter freeze --requirement requirements.txt
      The Python that runs this very command, with everything in requirements.txt.
  pymw-package --check apps
      Verify every byte of what was built.

exit status: 0 all went well, 1 --check found faults, 2 something could not be done, 130 interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    return command.run(_PROGRAM, lambda: _run(options), (PackagerError, PlatformError))


def _parser() -> argparse.ArgumentParser:
    parser = command.Parser(
        prog=_PROGRAM,
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    what = parser.add_argument_group("what to do")
    add = what.add_argument
    add(
        "--platform",
        metavar="P",
        action="append",
        default=[],
        help="build for this platform; may be repeated",
    )
    add("--all", action="store_true", help="build for every platform")
    add("--list", action="store_true", help="show the platforms and who accepts them")
    add("--check", metavar="DIR", type=Path, help="verify the app versions in DIR")
    add = parser.add_argument_group("where and which version").add_argument
    add("--output", metavar="DIR", type=Path, default=Path("apps"), help="build here (default: %(default)s)")
    add("--app-version", metavar="V", default="1.00", help="version MAJOR.MINOR (default: %(default)s)")
    python_options.add_to(parser)
    add = parser.add_argument_group("whose tasks it runs").add_argument
    add(
        "--key",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="those signed with this key (the .pub of `pymw keys create`); may be repeated "
        "(default: anybody's)",
    )
    add("--revoked", metavar="ID|FILE", action="append", default=[], help="but not with this former key")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    return parser


def _run(options: argparse.Namespace) -> int:
    """Do the one thing that is asked for."""
    asked = [bool(options.platform), options.all, options.list, options.check is not None]
    if sum(asked) != 1:
        raise UsageError("name one of --platform, --all, --list and --check; see pymw-package --help.")
    console = command.console()
    if options.list:
        return _list(options, console)
    if options.check:
        return _check(options, console)
    return _build(options, console)


def _list(options: argparse.Namespace, console: Console) -> int:
    if options.json:
        command.print_json([report.platform_facts(platform) for platform in all_platforms()])
    else:
        report.print_platforms(all_platforms(), console)
    return OK


def _check(options: argparse.Namespace, console: Console) -> int:
    verdicts = [check(folder) for folder in app_versions(options.check)]
    if options.json:
        command.print_json([report.verdict_facts(verdict) for verdict in verdicts])
    for verdict in verdicts:
        if not options.json:
            report.print_verdict(verdict, console)
        for fault in verdict.faults:
            command.complain(_PROGRAM, f"{verdict.folder.parent.name}/{verdict.folder.name}: {fault}")
    return FAULTY if any(verdict.faults for verdict in verdicts) else OK


def _build(options: argparse.Namespace, console: Console) -> int:
    """Build for each platform; what fails for one leaves the others alone."""
    recipes = [_recipe(options, platform) for platform in _platforms(options)]
    built: list[AppVersion] = []
    errors: list[dict[str, str]] = []
    teller = progress.for_stderr()
    for recipe in recipes:
        try:
            built.append(app_version.build(recipe, options.output, teller))
        except PackagerError as error:
            errors.append({"platform": recipe.platform.name, "error": str(error)})
            command.complain(_PROGRAM, f"{recipe.platform.name}: {error}")
            continue
        if not options.json:
            report.print_built(built[-1], console)
    if options.json:
        command.print_json({"app_versions": [report.built_facts(each) for each in built], "errors": errors})
    return FAILED if errors else OK


def _platforms(options: argparse.Namespace) -> list[Platform]:
    """Return what to build for, each once."""
    if options.all:
        return list(all_platforms())
    return [load(name) for name in dict.fromkeys(options.platform)]


def _recipe(options: argparse.Namespace, platform: Platform) -> Recipe:
    """Return what the options ask for."""
    if options.revoked and not options.key:
        raise UsageError("--revoked takes back what --key gives: name the keys that are trusted.")
    return Recipe(
        platform=platform,
        version=normal_version(options.app_version),
        trust=tuple(dict.fromkeys(task_keys.read_public(path) for path in options.key)),
        revoked=tuple(dict.fromkeys(task_keys.key_id(given) for given in options.revoked)),
        **python_options.read(options),
    )


if __name__ == "__main__":
    sys.exit(main())
