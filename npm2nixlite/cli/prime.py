"""``npm2nixlite prime``: fetched tarballs → the local Nix store."""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.files import (
    DEFAULT_FILE,
    counter,
    fetch,
    fetch_json,
    read_all,
    tell_fetched,
)
from npm2nixlite.cli.options import add_fetch_options
from npm2nixlite.errors import FetchError
from npm2nixlite.generate import OUTPUT_NAME
from npm2nixlite.messages import plural
from npm2nixlite.nix import local_store as prime
from npm2nixlite.nix.version import require_nix
from npm2nixlite.sources.tarballs import FetchSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    add_fetch_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    start = time.monotonic()
    cache = Cache(parsed.cache_dir)
    sources = read_all(parsed.files, parsed)
    require_nix("priming")
    plan = asyncio.run(prime.plan_here(sources.files(cache)))
    wanted = {(file.name, file.integrity) for file in plan.missing.values()}
    missing = sources.only(wanted)
    paths = plural(len(plan.valid) + len(plan.missing), "path")
    if parsed.dry_run:
        for path in plan.missing:
            console.detail(f"  {path}")
        console.say(
            f"{paths}: {len(plan.missing):,} to add, of which {missing.absent(cache):,} to fetch "
            f"first; {len(plan.valid):,} valid already"
        )
        fetched, added = FetchSummary(len(wanted), 0, 0, 0.0), 0
    else:
        fetched = fetch(missing, cache, parsed, console)
        tell_fetched(console, fetched)
        if plan.missing:
            told = counter(console.bar("priming")(len(plan.missing)))
            with _scratch(cache) as scratch:
                asyncio.run(prime.apply(plan, scratch, told))
        added = len(plan.missing)
        seconds = time.monotonic() - start
        console.say(f"{paths}: {added:,} added, {len(plan.valid):,} valid already; {seconds:.1f} s")
    console.summary(
        {
            "dryRun": parsed.dry_run,
            "valid": len(plan.valid),
            "missing": [str(path) for path in plan.missing] if parsed.dry_run else [],
            "added": added,
            "fetch": fetch_json(fetched),
            "seconds": round(time.monotonic() - start, 3),
        }
    )
    return 0


@contextmanager
def _scratch(cache: Cache) -> Iterator[Path | None]:
    """A place for hard links, beside the files; None where the cache is another user's."""
    try:
        partial = cache.partial_directory()
        scratch = partial.__enter__()
    except FetchError:
        yield None
        return
    try:
        yield scratch
    finally:
        partial.__exit__(None, None, None)
