"""``npm2nixlite prime``: fetched tarballs → the local Nix store."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.files import DEFAULT_FILE, fetch_json, source_options, tell_fetched
from npm2nixlite.cli.options import add_fetch_options
from npm2nixlite.messages import plural
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.publish.prime import prime

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Put the tarballs of {OUTPUT_NAME} files into the local Nix store, so that a build fetches nothing;
and the trees of git dependencies, where nixpkgs' fetchgit looks for them.

Each goes under the path of its own derivation: Nix finds it there and builds on. Paths that are
valid already are skipped; of the others, what is not in the download cache is fetched first. It
works for root as for the users of a daemon, whether or not that trusts them.

FILE is a {OUTPUT_NAME}, or a directory that has one.
"""

_EPILOG = """\
examples:
  npm2nixlite prime                           the project in this directory
  npm2nixlite prime backend frontend          two projects
  npm2nixlite prime --dry-run                 say what is missing, and change nothing
  npm2nixlite generate && npm2nixlite prime && nix-build
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "prime",
        help="put fetched tarballs into the local Nix store",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        type=Path,
        default=[DEFAULT_FILE],
        help="default: %(default)s",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what is missing, and fetch and add nothing"
    )
    parser.add_argument(
        "--add-root",
        metavar="DIR",
        type=Path,
        help="keep all of them from being collected, by links in this directory of their own",
    )
    add_fetch_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    primed = prime(
        parsed.files,
        source_options(parsed),
        dry_run=parsed.dry_run,
        roots=parsed.add_root,
        steps=console.bar,
    )
    missing, valid = len(primed.missing), len(primed.valid)
    paths = plural(valid + missing, "path")
    if primed.fetched is None:
        for path in primed.missing:
            console.detail(f"  {path}")
        console.say(
            f"{paths}: {missing:,} to add, of which {primed.absent:,} to fetch first; "
            f"{valid:,} valid already"
        )
    else:
        tell_fetched(console, primed.fetched)
        console.say(f"{paths}: {missing:,} added, {valid:,} valid already; {primed.seconds:.1f} s")
    console.summary(
        {
            "dryRun": parsed.dry_run,
            "valid": valid,
            "missing": [str(path) for path in primed.missing] if parsed.dry_run else [],
            "added": 0 if parsed.dry_run else missing,
            "fetch": None if primed.fetched is None else fetch_json(primed.fetched),
            "seconds": round(primed.seconds, 3),
        }
    )
    return 0
