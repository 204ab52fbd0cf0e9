"""The command line: parse it, run a use case, show what came of it."""

from __future__ import annotations

import signal
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
    from npm2nixlite.cli import streams

    streams.guard()
    try:
        signal.signal(signal.SIGTERM, _as_interrupt)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, _as_interrupt)
    except ValueError:
        pass  # not the main thread: a test's
    try:
        # Imported here, so that an interrupt while the program loads is one, too.
        from npm2nixlite.cli.run import run

        return run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130


def _as_interrupt(*_: object) -> None:
    """End as cleanly as after Ctrl-C: whoever waits in an event loop hears of that, too."""
    signal.raise_signal(signal.SIGINT)
