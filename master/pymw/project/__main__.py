"""`python -m pymw.project`: the commands of `pymw project`."""

import sys

from pymw import cli

if __name__ == "__main__":
    sys.exit(cli.main(["project", *sys.argv[1:]]))
