"""``python -m benchmarks``: run suites, and write what they found."""

from __future__ import annotations

import sys

from benchmarks.command import main

if __name__ == "__main__":
    sys.exit(main())
