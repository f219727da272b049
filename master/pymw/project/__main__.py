"""`python -m pymw.project`: the commands of `pymw project`."""

import argparse
import sys
from typing import NoReturn

from pymw.errors import PyMWError
from pymw.project import project_cli

FAILED, INTERRUPTED = 2, 130


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"{self.prog}: {message}; see {self.prog} --help.\n")


def main() -> int:
    """Run the command and return its exit status."""
    look = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="pymw project",
        description=project_cli.DESCRIPTION,
        epilog=project_cli.EXAMPLES,
        formatter_class=look,
        allow_abbrev=False,
    )
    project_cli.add_commands(parser.add_subparsers(metavar="COMMAND", required=True))
    options = parser.parse_args()
    try:
        status: int = options.command(options)
        return status
    except PyMWError as error:
        print(f"pymw project: {error}.", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
