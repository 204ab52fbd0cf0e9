"""What people and programs see: messages, progress, and the JSON summary."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from npm2nixlite.messages import human_bytes, printable
from npm2nixlite.progress import no_progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from npm2nixlite.errors import Npm2nixliteError
    from npm2nixlite.progress import Advance, Progress

__all__ = ["Console", "add_console_options", "progress_format", "progress_postfix"]


_WIDE = 80  # columns; on fewer, what is left to do is not told in time and bytes


def progress_format(columns: int) -> str:
    """What tqdm shows: the bar gets the width that the numbers leave.

    Args:
        columns: Of the terminal.
    """
    left = ", {remaining} left" if columns >= _WIDE else ""
    return f"{{desc}}{{percentage:3.0f}}% {{bar}} {{n_fmt}}/{{total_fmt}}{{postfix}}{left}"


def progress_postfix(columns: int, transferred: float, rate: float) -> str:
    """What is said of bytes.

    Args:
        columns: Of the terminal.
        transferred: Bytes so far.
        rate: Bytes a second.
    """
    shown = f"{human_bytes(rate)}/s"
    return f"{human_bytes(transferred)}, {shown}" if columns >= _WIDE else shown


def add_console_options(parser: argparse.ArgumentParser) -> None:
    """The options that every command has."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print a JSON summary to stdout")
    progress = group.add_mutually_exclusive_group()
    progress.add_argument(
        "--progress",
        action="store_true",
        default=None,
        help="show progress on stderr, even where that is no terminal",
    )
    progress.add_argument("--no-progress", dest="progress", action="store_false", help="show none")
    volume = group.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    volume.add_argument(
        "-v", "--verbose", action="store_true", help="name the packages behind a count"
    )
    group.add_argument("--debug", action="store_true", help="show a traceback with an error")


@dataclass(frozen=True)
class Console:
    """Where output goes.

    Attributes:
        json: One JSON summary on stdout, instead of words.
        quiet: Nothing but errors, differences found, and the JSON summary.
        verbose: Lists behind the counts.
        progress: Progress bars; None for only where stderr is a terminal.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    progress: bool | None = None

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Console:
        """As the command line has it."""
        return cls(parsed.json, parsed.quiet, parsed.verbose, parsed.progress)

    def result(self, text: str) -> None:
        """What the user asked to know."""
        if not self.json:
            print(printable(text))

    def say(self, text: str) -> None:
        """How it went."""
        if not self.json and not self.quiet:
            print(printable(text))

    def detail(self, text: str) -> None:
        """What is worth knowing to those who ask for it."""
        if self.verbose:
            self.say(text)

    def warn(self, text: str) -> None:
        """What should be looked at; does not stop anything."""
        if not self.quiet:
            print(f"warning: {printable(text)}", file=sys.stderr)

    def error(self, text: str) -> None:
        """What stops everything."""
        print(f"error: {printable(text)}", file=sys.stderr)

    def confirm(self, situation: str, question: str) -> bool | None:
        """Ask whether to go on; even a quiet run asks, on stderr.

        Returns:
            The answer, "no" where there was none; None where there is no terminal to ask on.
        """
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        print(f"{situation}\n{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            print(file=sys.stderr)  # the input ended where the line had not
        return answer.strip().lower() in {"y", "yes"}

    def fail(self, error: Npm2nixliteError) -> None:
        """Show an error; as JSON, too, where that is asked for."""
        self.error(str(error))
        if self.verbose and len(error.details) > 1:
            for detail in error.details:
                print(f"  {' '.join(filter(None, detail.values()))}", file=sys.stderr)
        self.summary(
            {
                "error": {
                    "what": error.what,
                    "where": list(error.where),
                    "hint": error.hint,
                    "exitStatus": error.exit_status,
                    "details": list(error.details),
                }
            }
        )

    def summary(self, fields: Mapping[str, Any]) -> None:
        """The machine-readable summary."""
        if self.json:
            print(json.dumps(fields, indent=2))

    def bar(self, what: str) -> Progress:
        """A progress bar, where one is wanted."""

        def start(total: int, /) -> Advance:
            shown = sys.stderr.isatty() if self.progress is None else self.progress
            if not shown or self.quiet:
                return no_progress(total)
            from tqdm import tqdm

            columns = shutil.get_terminal_size().columns
            bar = tqdm(
                total=total,
                desc=what,
                file=sys.stderr,
                leave=False,
                dynamic_ncols=True,
                bar_format=progress_format(columns),
            )
            transferred = 0

            def advance(items: int, size: int, /) -> None:
                nonlocal transferred
                transferred += size
                rate = transferred / max(bar.format_dict["elapsed"], 1e-3)
                if transferred:
                    postfix = progress_postfix(columns, transferred, rate)
                    bar.set_postfix_str(postfix, refresh=False)
                bar.update(items)
                if bar.n >= total:
                    bar.close()

            return advance

        return start
