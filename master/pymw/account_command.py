"""`pymw account`: keeps the account keys with which programs submit to projects elsewhere."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from pymw.errors import KeyFileError

DESCRIPTION = """\
A program that names a project by its URL (-p https://project.example/) submits with your account key there.
It is asked for, or read from a pipe, and never given on a command line, where others see it."""


def add_to(commands: Any) -> None:
    """Add the command `account` to the subparsers of `pymw`; each sets `command`, as the others do."""
    raw = argparse.RawDescriptionHelpFormatter
    account = commands.add_parser(
        "account",
        help="keep the account keys for projects elsewhere",
        description=DESCRIPTION,
        formatter_class=raw,
    )
    actions = account.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="ask the project whether a key is right, and keep it")
    add.set_defaults(command=_add)
    remove = actions.add_parser("remove", help="forget a key")
    remove.set_defaults(command=_remove)
    for action in (add, remove):
        action.add_argument("url", metavar="URL", help="the project's, as programs name it")


def _add(options: argparse.Namespace) -> int:
    # What reaches a project imports much that the other commands do without.
    from pymw.remote import account  # noqa: PLC0415
    from pymw.remote.backend import check  # noqa: PLC0415
    from pymw.remote.web import Web  # noqa: PLC0415

    with Web(options.url) as web:
        if sys.stdin.isatty():
            key = account.AccountKey(getpass.getpass(f"Account key for {web.url}: "))
        else:
            key = account.AccountKey(sys.stdin.readline())
        check(web, key)
    print(f"kept in {account.keep(web.url, key)}")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from pymw.remote import account  # noqa: PLC0415
    from pymw.remote.web import Web  # noqa: PLC0415

    path = account.path_of(Web(options.url).url)
    try:
        path.unlink()
    except FileNotFoundError as error:
        raise KeyFileError(f"there is no account key in {path}") from error
    print(f"removed {path}")
    return 0
