"""`python -m pymw.server.assimilator`: what the wrapper in a project's bin/ starts."""

import sys

from pymw.server.assimilator.cli import main

sys.exit(main())
