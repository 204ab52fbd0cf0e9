"""``npm2nixlite verify``: compare the assembled tree with the installed npm's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.options import add_fetch_options, fetch_options
from npm2nixlite.generate import GenerateOptions

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console

__all__ = ["add_parser"]

_DESCRIPTION = """\
Assemble a project's node_modules from its lock, let the installed 'npm ci --ignore-scripts'
install the same lock in a copy of the project, and compare the two trees: paths, kinds, modes,
bytes and link targets, .bin and .package-lock.json included.

The installed npm is the reference: what another version does differently shows here. Addresses
that the lock omits are not compared. The project itself is not touched.

exit status: 0 the trees are equal; 1 they are not
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "verify",
        help="compare the assembled node_modules with what npm ci makes",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", type=Path, default=Path(), help="default: ."
    )
    parser.add_argument(
        "--omit",
        action="append",
        choices=("dev", "optional", "peer"),
        default=[],
        help="leave a group out, as npm's option of this name; can be given several times",
    )
    parser.add_argument(
        "--differences",
        metavar="N",
        type=int,
        default=20,
        help="how many differences to print, the first ones (default: %(default)s)",
    )
    add_fetch_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    from npm2nixlite.verify.verify import verify

    options = GenerateOptions(
        fetch=fetch_options(parsed),
        offline=parsed.offline,
        registry=parsed.registry,
        npmrc=parsed.npmrc,
    )
    omit = frozenset(parsed.omit)
    found = verify(parsed.project, Cache(parsed.cache_dir), options, omit, console.bar("fetching"))
    count = len(found.differences)
    for difference in found.differences[: parsed.differences]:
        console.result(str(difference))
    if count > parsed.differences:
        console.result(f"… and {count - parsed.differences:,} more")
    against = f"npm {found.versions.npm} on Node.js {found.versions.node}"
    verdict = f"{count:,} differences" if count else "no difference"
    console.say(f"{parsed.project}: {found.entries:,} paths, {verdict}, compared with {against}")
    console.summary(
        {
            "project": str(parsed.project),
            "omit": sorted(omit),
            "npm": found.versions.npm,
            "node": found.versions.node,
            "paths": found.entries,
            "equal": not count,
            "differences": [
                {"path": one.path, "aspect": one.aspect, "ours": one.ours, "npm": one.theirs}
                for one in found.differences
            ],
        }
    )
    return 1 if count else 0
