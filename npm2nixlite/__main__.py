"""Run the command line as ``python -m npm2nixlite``."""

import sys

from npm2nixlite.cli import main

if __name__ == "__main__":
    sys.exit(main())
