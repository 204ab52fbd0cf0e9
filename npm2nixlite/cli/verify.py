"""``npm2nixlite verify``: compare the assembled tree with the installed npm's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.options import add_fetch_options, fetch_options, natural
from npm2nixlite.generate import GenerateOptions
from npm2nixlite.messages import plural

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console
    from npm2nixlite.verify.verify import Verification

__all__ = ["add_parser"]

_DESCRIPTION = """\
Make a project's node_modules as a Nix user gets it (mkNodeModules with the lock), let the installed
'npm ci --ignore-scripts' install the same lock in a copy of the project, and compare the two trees:
paths, kinds, modes, bytes and link targets, .bin and .package-lock.json included; once all of it,
and once without what is for development. What the Nix library hands to the assembler is evaluated
with the installed Nix; without Nix, only the assembler is checked, and the last line says so.

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
        type=natural,
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
    cache = Cache(parsed.cache_dir)
    # Without a choice, both trees that projects are built and run with.
    choices = [frozenset(parsed.omit)] if parsed.omit else [frozenset(), frozenset({"dev"})]
    trees = [
        _report(
            parsed,
            console,
            omit,
            verify(parsed.project, cache, options, omit, console.bar("fetching")),
        )
        for omit in choices
    ]
    equal = all(tree["equal"] for tree in trees)
    console.summary({"project": str(parsed.project), "equal": equal, "trees": trees})
    return 0 if equal else 1


def _report(
    parsed: argparse.Namespace, console: Console, omit: frozenset[str], found: Verification
) -> dict[str, object]:
    """Print what was found about a tree; returns it for the summary."""
    count = len(found.differences)
    for difference in found.differences[: parsed.differences]:
        console.result(str(difference))
    if count > parsed.differences:
        console.result(f"… and {count - parsed.differences:,} more")
    tree = f"without {', '.join(sorted(omit))}" if omit else "all of it"
    verdict = plural(count, "difference") if count else "no difference"
    console.say(
        f"{parsed.project}, {tree}: {plural(found.entries, 'path')}, {verdict}, compared with "
        f"npm {found.versions.npm} on Node.js {found.versions.node}"
    )
    if found.way != "nix":
        console.say("Nix is not installed: only the assembler was checked, not the Nix library")
    return {
        "omit": sorted(omit),
        "npm": found.versions.npm,
        "node": found.versions.node,
        "way": found.way,
        "paths": found.entries,
        "equal": not count,
        "differences": [
            {"path": one.path, "aspect": one.aspect, "ours": one.ours, "npm": one.theirs}
            for one in found.differences
        ],
    }
