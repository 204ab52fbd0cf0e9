"""The program's command line: its commands, and what is said of a misspelt word."""

from __future__ import annotations

import argparse
import difflib
import importlib
from typing import TYPE_CHECKING, NoReturn

from npm2nixlite import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["COMMANDS", "Parser", "program_parser"]

COMMANDS = (
    *("init", "generate", "prime", "push", "verify", "build", "container-build"),
    *("diff", "why", "cache", "cache-check", "cache-gc", "nix-dir", "bench"),
)
"""The commands in the order of ``--help``; each is a module of `npm2nixlite.cli`."""

_COMMAND = "command"

_EPILOG = """\
exit status:
  0    done
  1    'generate --check' or 'verify' found a difference
  2    wrong usage, or input that cannot be used
  3    a package could not be fetched or verified
  4    a build or an upload failed
  70   an internal error; the message says where the details are
  130  interrupted, or not agreed to

'npm2nixlite COMMAND --help' has the options of a command.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that suggests the word that was meant."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """As usual; what is left over is told by the command's own parser, with its usage."""
        parsed, left = self.parse_known_args(args, namespace)
        if left:
            for action in self._actions:
                if action.dest == _COMMAND and isinstance(action.choices, dict):
                    action.choices[parsed.command].unknown(left)
            self.unknown(left)
        return parsed

    def unknown(self, words: Sequence[str]) -> NoReturn:
        """End with a message on words that are not understood."""
        known = [name for action in self._actions for name in action.option_strings]
        hints = [
            hint
            for word in words
            if word.startswith("-")
            for hint in [_closest(word.partition("=")[0], known)]
            if hint
        ]
        meant = f"; did you mean {hints[0]}?" if hints else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{meant}")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        found = _closest(str(value), choices)
        meant = f"did you mean {found}?" if found else f"there are {', '.join(choices)}"
        if action.dest == _COMMAND:
            self.error(f"there is no command {value!r}; {meant}")
        raise argparse.ArgumentError(action, f"invalid choice {value!r}; {meant}")


def program_parser(first: str = "") -> Parser:
    """The parser.

    Args:
        first: The command line's first word; where it is a command, no other one is loaded.
    """
    parser = Parser(
        prog="npm2nixlite",
        description="Translate npm lockfiles into Nix: every tarball a fixed-output derivation.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"npm2nixlite {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest=_COMMAND, required=True
    )
    for name in [first] if first in COMMANDS else COMMANDS:
        module = importlib.import_module(f"npm2nixlite.cli.{name.replace('-', '_')}")
        module.add_parser(commands)
    return parser


def _closest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, list(known), 1, 0.6)), None)
