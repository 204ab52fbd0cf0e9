"""``npm2nixlite cache``: the download cache, kept whole and small."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache, default_cache_directory
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.options import byte_size
from npm2nixlite.messages import human_bytes, plural
from npm2nixlite.sources.upkeep import prune, verify_cache

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console

__all__ = ["add_parser"]

_DESCRIPTION = """\
The download cache: fetched tarballs and git trees, shared by all projects.

  verify   read all of it, and remove what is not what its name says; exits 1 where there was any
  prune    remove what was not used for long, and notes that lead nowhere
  dir      print where it is

Nobody needs to verify it: whoever uses a tarball's bytes does, and fetches it again where it is
wrong. Without options, prune removes only notes that lead nowhere and what dead runs left.
"""

_EPILOG = """\
examples:
  npm2nixlite cache prune --older-than 30
  npm2nixlite cache prune --max-size 2G
  du -sh "$(npm2nixlite cache dir)"
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "cache",
        help="verify or prune the download cache, or say where it is",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("action", choices=["verify", "prune", "dir"], help="see above")
    parser.add_argument(
        "--cache-dir",
        metavar="DIR",
        type=Path,
        default=default_cache_directory(),
        help="default: %(default)s",
    )
    parser.add_argument(
        "--older-than",
        metavar="DAYS",
        type=_days,
        help="prune what was neither written nor read for so long",
    )
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        type=byte_size,
        help="prune until this much is left (2G, 500M), what was not used for longest first",
    )
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Do it."""
    cache = Cache(parsed.cache_dir.absolute())
    if parsed.action == "dir":
        console.result(str(cache.directory))
        console.summary({"directory": str(cache.directory)})
        return 0
    if parsed.action == "prune":
        pruned = prune(cache, older_than=parsed.older_than, max_size=parsed.max_size)
        console.say(
            f"{plural(pruned.removed, 'file or tree', 'files and trees')} removed "
            f"({human_bytes(pruned.freed)}); {pruned.kept:,} left ({human_bytes(pruned.size)})"
        )
        console.summary(
            {
                "removed": pruned.removed,
                "freedBytes": pruned.freed,
                "kept": pruned.kept,
                "bytes": pruned.size,
            }
        )
        return 0
    checked = verify_cache(cache)
    for name in checked.dropped:
        console.result(f"removed: {name}")
    console.say(
        f"{plural(checked.tarballs, 'tarball')} and {plural(checked.trees, 'tree')} read, "
        f"{plural(len(checked.dropped), 'wrong one')} removed"
    )
    console.summary(
        {
            "tarballs": checked.tarballs,
            "trees": checked.trees,
            "removed": list(checked.dropped),
        }
    )
    return 1 if checked.dropped else 0


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return days
