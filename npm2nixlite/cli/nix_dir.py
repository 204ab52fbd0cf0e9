"""``npm2nixlite nix-dir``: where the Nix library is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.cli.console import add_console_options
from npm2nixlite.nix.library import library_directory

if TYPE_CHECKING:
    import argparse

    from npm2nixlite.cli.console import Console

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Print the directory of the Nix library that comes with this program:

  npm = import DIRECTORY { inherit pkgs; };

It changes with every installation. 'npm2nixlite init' copies the library into a project, or names
a flake that has it.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    import argparse

    parser = commands.add_parser(
        "nix-dir",
        help="print where the Nix library is",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add_console_options(parser)


def run(_parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    directory = library_directory()
    console.result(str(directory))
    console.summary({"directory": str(directory)})
    return 0
