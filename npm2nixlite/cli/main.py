"""``npm2nixlite COMMAND …``: the commands' common frame."""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import os
import sys
import traceback
from typing import TYPE_CHECKING

from npm2nixlite import __version__
from npm2nixlite.cli.console import Console
from npm2nixlite.errors import Npm2nixliteError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run"]

_COMMANDS = (
    *("init", "generate", "prime", "push", "verify", "build", "container-build", "nix-dir"),
    *("cache-check", "cache-gc", "bench"),
)

_EPILOG = """\
exit status:
  0    done
  1    --check found a difference
  2    wrong usage, or input that cannot be used
  3    a package could not be fetched or verified
  4    a build or an upload failed
  130  interrupted, or not agreed to
"""


def run(arguments: Sequence[str] | None) -> int:
    """Run the command line; see `npm2nixlite.cli.main`."""
    # What a run makes stays in use until it ends; looking for garbage in it takes 7 % of the time.
    gc.freeze()
    gc.set_threshold(100_000)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode is no error
    words = sys.argv[1:] if arguments is None else arguments
    parsed = _parser(words[0] if words else "").parse_args(words)
    console = Console.of(parsed)
    try:
        status: int = parsed.run(parsed, console)
        gc.freeze()  # nor in what is left, when the interpreter ends
        sys.stdout.flush()
    except Npm2nixliteError as error:
        if parsed.debug:
            traceback.print_exc()
        console.fail(error)
        return error.exit_status
    except BrokenPipeError:
        # Whoever read the output has had enough; what Python flushes at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser(first: str) -> argparse.ArgumentParser:
    """The parser; where the first word names a command, no other command is loaded."""
    parser = argparse.ArgumentParser(
        prog="npm2nixlite",
        description="Translate npm lockfiles into Nix: every tarball a fixed-output derivation.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"npm2nixlite {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [first] if first in _COMMANDS else _COMMANDS:
        command = importlib.import_module(f"npm2nixlite.cli.{name.replace('-', '_')}")
        command.add_parser(commands)
    return parser
