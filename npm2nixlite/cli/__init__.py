"""The command line: parse it, run a use case, show what came of it."""

from npm2nixlite.cli.main import main

__all__ = ["main"]
