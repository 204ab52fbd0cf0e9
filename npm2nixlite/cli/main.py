"""``npm2nixlite COMMAND …``: the commands' common frame."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from typing import TYPE_CHECKING

from npm2nixlite import __version__
from npm2nixlite.cli import generate, verify
from npm2nixlite.cli.console import Console
from npm2nixlite.errors import Npm2nixliteError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_COMMANDS = (generate, verify)

_EPILOG = """\
exit status:
  0    done
  1    --check found a difference
  2    wrong usage, or input that cannot be used
  3    a package could not be fetched or verified
  4    a build or an upload failed
  130  interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; the process's own where None.

    Returns:
        The exit status.
    """
    parsed = _parser().parse_args(arguments)
    console = Console.of(parsed)
    try:
        status: int = parsed.run(parsed, console)
        sys.stdout.flush()
    except Npm2nixliteError as error:
        if parsed.debug:
            traceback.print_exc()
        console.fail(error)
        return error.exit_status
    except KeyboardInterrupt:
        console.error("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read the output has had enough; what Python flushes at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="npm2nixlite",
        description="Translate npm lockfiles into Nix: every tarball a fixed-output derivation.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"npm2nixlite {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser
