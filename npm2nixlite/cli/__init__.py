"""The command line: parse it, run a use case, show what came of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; the process's own where None.

    Returns:
        The exit status.
    """
    try:
        # Imported here, so that an interrupt while the program loads is one, too.
        from npm2nixlite.cli.main import run

        return run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
