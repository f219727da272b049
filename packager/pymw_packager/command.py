"""What the commands of the project have in common: how they read a command line, print, and end."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from rich.console import Console

OK, FAULTY, FAILED, INTERRUPTED = 0, 1, 2, 130
# A table with whole hashes, where no terminal sets a width.
_PIPE_WIDTH = 110


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one sentence, and shows descriptions as they are written."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(*arguments, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"{self.prog}: {message}; see {self.prog} --help.\n")


def run(program: str, work: Callable[[], int], expected: tuple[type[Exception], ...]) -> int:
    """Do the work of a command, and return its exit status.

    program: its name, which errors begin with. work: returns the status; it may be interrupted by Ctrl-C or
    SIGTERM, and cleans up then. expected: exceptions whose message is a sentence for the user.
    """
    signal.signal(signal.SIGTERM, _terminated)
    try:
        status = work()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read has seen enough. Python would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except expected as error:
        complain(program, str(error))
    except OSError as error:
        complain(program, f"{error.filename or 'a file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        complain(program, "interrupted; nothing half-written is left")
        return INTERRUPTED
    return FAILED


def complain(program: str, sentence: str) -> None:
    """Say on stderr what is wrong."""
    print(f"{program}: {sentence.removesuffix('.')}.", file=sys.stderr)


def print_json(facts: Any) -> None:
    """Print facts for programs."""
    print(json.dumps(facts, indent=2))


def console() -> Console:
    """Where tables go: as wide as the terminal, or wide enough where there is none."""
    return Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)


def _terminated(signum: int, frame: object) -> NoReturn:
    """End like after Ctrl-C, so that temporary files go away."""
    raise KeyboardInterrupt
