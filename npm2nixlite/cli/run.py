"""``npm2nixlite COMMAND …``: the commands' common frame."""

from __future__ import annotations

import gc
import sys
import traceback
from typing import TYPE_CHECKING

from npm2nixlite.cli import streams
from npm2nixlite.cli.console import Console
from npm2nixlite.cli.parser import program_parser
from npm2nixlite.errors import (
    InputError,
    Npm2nixliteError,
    UsageError,
    internal_error,
    too_many_files,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run"]


def run(arguments: Sequence[str] | None) -> int:
    """Run the command line; see `npm2nixlite.cli.main`."""
    # What a run makes stays in use until it ends; looking for garbage in it takes 7 % of the time.
    gc.freeze()
    gc.set_threshold(100_000)
    words = sys.argv[1:] if arguments is None else arguments
    console = Console(json="--json" in words)
    debug = "--debug" in words
    try:
        parsed = program_parser(words[0] if words else "").parse_args(words)
        console = Console.of(parsed)
        status: int = parsed.run(parsed, console)
        gc.freeze()  # nor in what is left, when the interpreter ends
    except SystemExit as left:  # --help, --version, or words that cannot be parsed
        status = left.code if isinstance(left.code, int) else UsageError.exit_status
    except Npm2nixliteError as error:
        status = _failed(error, console, debug=debug)
    except Exception as error:  # noqa: BLE001 (no traceback reaches a user)
        status = _failed(_explained(error), console, debug=debug)
    fault = streams.flush()
    if fault is not None and status == 0:
        console.error(fault)
        status = UsageError.exit_status
    return status


def _failed(error: Npm2nixliteError, console: Console, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    console.fail(error)
    return error.exit_status


def _explained(error: Exception) -> Npm2nixliteError:
    if too_many_files(error):
        return InputError(
            "too many open files",
            hint="allow more (ulimit -n 1024), or use fewer --connections or --jobs",
        )
    return internal_error(error)
