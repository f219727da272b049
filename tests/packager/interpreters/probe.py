"""Runs inside a runtime and prints as JSON what works there."""

import ctypes
import hashlib
import importlib
import json
import multiprocessing
import os
import sqlite3
import ssl
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

SILENT = {"antigravity", "this", "__hello__", "__phello__"}


def square(number: int) -> tuple[int, str]:
    return number * number, sys.executable


def unimportable() -> dict[str, str]:
    """Names of the library's modules that cannot be imported, with the reason."""
    archive = next(path for path in sys.path if path.endswith(".zip"))
    with zipfile.ZipFile(archive) as library:
        names = {name.replace("/", ".").rpartition(".")[0] for name in library.namelist()}
    names = {name.removesuffix(".__init__") for name in names if not name.endswith("__main__")}
    for folder in sys.path:
        if Path(folder).is_dir():
            files = [path for path in Path(folder).iterdir() if path.suffix in (".so", ".pyd")]
            names |= {file.name.split(".")[0] for file in files}
    found = {}
    for name in sorted(names - SILENT):
        try:
            importlib.import_module(name)
        except Exception as error:
            found[name] = repr(error)
    return found


def child(*arguments: str) -> object:
    code = "import json, sys; print(json.dumps([sys.executable, sys.prefix, sys.argv[1:]]))"
    done = subprocess.run(
        [sys.executable, "-E", "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main() -> None:
    warnings.simplefilter("ignore")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        squares = pool.map(square, [1, 2, 3])
    facts = {
        "version": ".".join(map(str, sys.version_info[:3])),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "path": sys.path,
        "arguments": sys.argv[1:],
        "bits": 8 * ctypes.sizeof(ctypes.c_void_p),
        "encoding": sys.getfilesystemencoding(),
        "os_file": os.__file__,
        "squares": squares,
        "child": child("two words", 'a "quote"'),
        "sqlite": sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0],
        "ssl": ssl.OPENSSL_VERSION,
        "context": ssl.create_default_context().minimum_version.name,
        "sha256": hashlib.sha256(b"").hexdigest(),
        "unimportable": unimportable(),
        "json": json.__file__,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
