"""``npm2nixlite why``: who asks for a package."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cli.console import add_console_options
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.parse import read_lock

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Tell who asks for a package: every way to it from the project, with the ranges, as 'npm explain'
does, from the lock and package.json alone.

PACKAGE is a name, NAME@VERSION, or an install path.
"""

_EPILOG = """\
examples:
  npm2nixlite why semver
  npm2nixlite why semver@5.7.2 frontend
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "why",
        help="tell who asks for a package",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("package", metavar="PACKAGE")
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", type=Path, default=Path(), help="default: ."
    )
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    from npm2nixlite.review.why import explain

    found = explain(read_lock(find_lock(parsed.project)), parsed.package)
    for number, item in enumerate(found):
        if number:
            console.result("")
        for line in item.lines():
            console.result(line)
    console.summary({"package": parsed.package, "found": [asdict(item) for item in found]})
    return 0
