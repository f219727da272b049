"""What a frozen interpreter runs: takes the arguments of `python`, so that it can stand for one.

Frozen by `freeze`; nothing else imports it. Understood are `-c CODE`, `-m MODULE`, a script or `-` and their
arguments, `-V`, and the options that say how Python is set up. These are read over: a frozen Python always
ignores the environment (`-E`), and its hash seed is always 0.
"""

import io
import os
import runpy
import sys
import types
from pathlib import Path

FLAGS = "bBdEiIOPqsSuvx"
WITH_VALUE = "WX"


def main() -> None:
    """Run what the command line asks for."""
    _set_up()
    arguments = sys.argv[1:]
    while arguments:
        argument = arguments.pop(0)
        if argument == "-c" and arguments:
            return _run_code(arguments.pop(0), "<string>", ["-c", *arguments])
        if argument == "-m" and arguments:
            return _run_module(arguments)
        if argument in ("-V", "-VV", "--version"):
            print("Python", sys.version if argument == "-VV" else sys.version.split()[0])
            return None
        if argument == "-" or not argument.startswith("-"):
            return _run_script([argument, *arguments])
        if not _read_over(argument, arguments):
            sys.exit(f"unknown option {argument}")
    return _run_script(["-"])


def _set_up() -> None:
    """Make the process look like an ordinary Python to what it runs and starts."""
    sys.path.append(str(Path(sys.prefix, "site-packages")))
    sys.__dict__.pop("frozen", None)  # multiprocessing would start its children another way
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]
    # The bootloader put our libraries first; other programs have their own.
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if original is not None:
        os.environ["LD_LIBRARY_PATH"] = original
    else:
        os.environ.pop("LD_LIBRARY_PATH", None)


def _read_over(option: str, rest: list[str]) -> bool:
    """Whether this is an option that changes nothing here; its value is taken from ``rest``."""
    letters = option[1:]
    for position, letter in enumerate(letters):
        if letter in WITH_VALUE:
            if position == len(letters) - 1 and rest:
                rest.pop(0)
            return True
        if letter not in FLAGS:
            return False
    return bool(letters)


def _run_code(code: str, name: str, argv: list[str]) -> None:
    sys.argv[:] = argv
    sys.path.insert(0, "")
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    exec(compile(code, name, "exec"), module.__dict__)


def _run_module(arguments: list[str]) -> None:
    sys.argv[:] = arguments
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _run_script(arguments: list[str]) -> None:
    script = arguments[0]
    if script == "-":
        return _run_code(sys.stdin.read(), "<stdin>", arguments)
    sys.argv[:] = arguments
    if not Path(script).is_dir() and not script.endswith(".zip"):
        sys.path.insert(0, str(Path(script).resolve().parent))
    runpy.run_path(script, run_name="__main__")
    return None


def _open_again() -> None:
    """Replace streams that the program has closed: PyInstaller's bootloader flushes them once more."""
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        if getattr(sys, name).closed:
            setattr(sys, name, io.StringIO())


if __name__ == "__main__":
    try:
        main()
    finally:
        _open_again()
