"""What the user reads at the end: tables for people, JSON for programs; the same facts."""

from collections.abc import Sequence
from typing import Any

from pymw_platforms import Platform
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from pymw_packager import task_keys
from pymw_packager.app_version import AppVersion
from pymw_packager.check import Verdict
from pymw_packager.names import version_num


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column == "bytes" else "left", overflow="fold")
    return table


def _line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def print_built(built: AppVersion, console: Console) -> None:
    """Print what was built and what each volunteer downloads."""
    recipe = built.recipe
    state = "was there already, unchanged" if built.unchanged else "written"
    _line(console, f"{built.folder}: {state}")
    table = _table("what", "bytes", "file and SHA-256")
    for file in built.files:
        table.add_row(file.role, f"{file.size:,}", f"{file.name}\n{file.sha256}")
    console.print(table)
    python = f"Python {built.python} {_preference(built)}" if built.python else "a Python of the volunteer's"
    volunteer, download = f"a volunteer with {recipe.platform.title}", decimal(built.download)
    _line(console, f"Once, {volunteer} downloads {download}; tasks run on {python}.")
    _line(console, f"{task_keys.in_words(recipe.trust, recipe.revoked)}\n")


def _preference(built: AppVersion) -> str:
    return "if there is no other" if built.recipe.prefer == "system" else "before any other"


def built_facts(built: AppVersion) -> dict[str, Any]:
    """Return an app version's facts for JSON."""
    recipe = built.recipe
    return {
        "platform": recipe.platform.name,
        "version": recipe.version,
        "version_num": version_num(recipe.version),
        "folder": str(built.folder),
        "python": built.python,
        "prefer": recipe.prefer,
        "trust": [task_keys.id_of(key) for key in recipe.trust],
        "revoked": list(recipe.revoked),
        "unchanged": built.unchanged,
        "download": built.download,
        "files": [vars(file) for file in built.files],
    }


def print_platforms(platforms: Sequence[Platform], console: Console) -> None:
    """Print what can be built, and for whom."""
    table = _table("platform", "launcher", "embedded Python from", "accepted by")
    for platform in platforms:
        table.add_row(platform.name, platform.launcher, sources(platform), platform.accepted_by)
    console.print(table)


def sources(platform: Platform) -> str:
    """Return in words where the embedded Python of a platform can come from."""
    first = {"wheels": "PyPI wheels", "debian": "Debian packages", "none": "none; their own is used"}[
        platform.interpreter
    ]
    return first + (", freeze" if platform.is_this_host() else "")


def platform_facts(platform: Platform) -> dict[str, Any]:
    """Return a platform's facts for JSON."""
    return {
        "platform": platform.name,
        "title": platform.title,
        "bits": platform.bits,
        "launcher": platform.launcher,
        "interpreter": platform.interpreter,
        "freeze": platform.is_this_host(),
        "python_search": platform.python_search,
        "accepted_by": platform.accepted_by,
    }


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print an app version's files and whether they are good."""
    state = f"{len(verdict.faults)} fault(s)" if verdict.faults else "good"
    _line(console, f"{verdict.folder}: {state}")
    table = _table("bytes", "file and SHA-256")
    for file in verdict.files:
        table.add_row(f"{file.size:,}", f"{file.name}\n{file.sha256}")
    console.print(table)
    _line(console, f"{task_keys.in_words(verdict.trust, verdict.revoked)}\n")


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """Return what was found, for JSON."""
    return {
        "folder": str(verdict.folder),
        "files": [vars(file) for file in verdict.files],
        "faults": list(verdict.faults),
        "trust": [task_keys.id_of(key) for key in verdict.trust],
        "revoked": list(verdict.revoked),
    }
