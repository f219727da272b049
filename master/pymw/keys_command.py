"""`pymw keys`: makes and shows the scientist's task keys."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import Any

from pymw import key_files
from pymw.errors import KeyFileError

DESCRIPTION = f"""\
Volunteers run what your task key has signed, and nothing else. Make it once, on your own computer; the server
never needs it. Its public half goes into the app version: pymw-package --key FILE.pub.

A passphrase is asked for, or taken from {key_files.PASSPHRASE}."""


def add_to(commands: Any) -> None:
    """Add the command `keys` to the subparsers of `pymw`; each sets `command`, as the others do."""
    keys = commands.add_parser("keys", help="make and show the keys that sign tasks", description=DESCRIPTION)
    actions = keys.add_subparsers(metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a key")
    create.add_argument("--passphrase", action="store_true", help="encrypt it with a passphrase")
    create.set_defaults(command=_create)
    show = actions.add_parser("show", help="show a key's id and public half")
    show.set_defaults(command=_show)
    for action in (create, show):
        action.add_argument(
            "--file", metavar="FILE", type=Path, help=f"the key's file (default: {key_files.path_of()})"
        )
    actions.add_parser("list", help="list the keys").set_defaults(command=_list)


def passphrase_for(path: Path | None = None) -> str:
    """The passphrase of a key, from the environment or the terminal; "" if it needs none.

    Raises KeyFileError if there is nobody to ask.
    """
    path = path or key_files.path_of()
    try:
        if not key_files.is_locked(path):
            return ""
    except OSError:
        return ""  # to load it says why
    return _ask(f"Passphrase of {path}: ")


def _ask(prompt: str) -> str:
    if given := os.environ.get(key_files.PASSPHRASE):
        return given
    if not sys.stdin.isatty():
        raise KeyFileError(f"there is no terminal to ask for a passphrase: set {key_files.PASSPHRASE}")
    return getpass.getpass(prompt)


def _create(options: argparse.Namespace) -> int:
    passphrase = ""
    if options.passphrase:
        passphrase = _ask("Passphrase: ")
        if not passphrase:
            raise KeyFileError("an empty passphrase protects nothing: leave out --passphrase")
        if key_files.PASSPHRASE not in os.environ and getpass.getpass("Once more: ") != passphrase:
            raise KeyFileError("these were two different passphrases")
    made = key_files.create(options.file, passphrase)
    print(f"key     {made.id}")
    print(f"secret  {made.path.with_suffix('.pem')}  (keep a copy where nobody else gets at it)")
    print(f"public  {made.path}  (for pymw-package --key)")
    return 0


def _show(options: argparse.Namespace) -> int:
    found = key_files.read_public(options.file or key_files.path_of())
    print(f"key     {found.id}")
    print(found.line, end="")
    return 0


def _list(options: argparse.Namespace) -> int:
    for found in key_files.all_public():
        print(f"{found.id}  {found.name}  {found.path}")
    return 0
