"""``npm2nixlite cache-gc``: remove from a binary cache what nobody wants to keep."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.backend import CollectableBackend
from npm2nixlite.binarycache.collection import Garbage, Retention, collect, find_garbage
from npm2nixlite.cli.cache_options import add_cache_options, remote_cache, store_dir
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.errors import InputError, UsageError
from npm2nixlite.messages import human_bytes, plural
from npm2nixlite.nix.path_info import store_path
from npm2nixlite.store.path import StorePath

if TYPE_CHECKING:
    from npm2nixlite.binarycache.remote import RemoteCache
    from npm2nixlite.cli.console import Console

__all__ = ["add_parser"]

_DESCRIPTION = """\
Remove from a binary cache (a directory, or a bucket) what is neither new enough nor a root, nor
referred to by what is. Without --delete, it only says what it would remove.

A narinfo goes before its NAR, and a path before those it refers to, so the cache is whole at every
moment. A push by npm2nixlite may go on meanwhile. What was written within the time of --grace
always stays.
"""

_EPILOG = """\
examples:
  npm2nixlite cache-gc file:///srv/cache --keep-since 2025-06-01
  npm2nixlite cache-gc s3://bucket --keep-roots roots --keep-since 90d --delete

A FILE of roots has a store path, or a link to one such as ./result, in each line; - reads stdin.
"""

_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "cache-gc",
        help="remove old paths from a binary cache",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add_cache_options(parser)
    group = parser.add_argument_group("keeping")
    group.add_argument(
        "--keep-since",
        metavar="DATE",
        type=_moment,
        help="keep what was pushed since then: 2025-06-01, or 90d, 12w, 36h ago",
    )
    group.add_argument("--keep-roots", metavar="FILE", help="keep these store paths")
    group.add_argument(
        "--grace",
        metavar="DURATION",
        type=_duration,
        default=_UNITS["d"],
        help="keep everything that was written since so long (default: 1d)",
    )
    group.add_argument("--delete", action="store_true", help="remove the rest")
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    if parsed.keep_since is None and parsed.keep_roots is None:
        raise UsageError(
            "nothing says what is to be kept", hint="give --keep-since, --keep-roots, or both"
        )
    roots = None if parsed.keep_roots is None else _roots(parsed.keep_roots)
    retention = Retention(parsed.keep_since, roots, float(parsed.grace), parsed.jobs)
    cache = remote_cache(parsed)
    garbage = asyncio.run(_collect(cache, retention, delete=parsed.delete))
    for path in garbage.lost_roots:
        console.warn(f"{cache.shown}: a root is not there: {path}")
    for key in garbage.unreadable:
        console.warn(f"{cache.shown}: {key} cannot be read, and stays; see cache-check")
    for path in garbage.paths.values():
        console.detail(f"  {path}")
    done = "removed" if parsed.delete else "to remove (with --delete)"
    console.say(
        f"{cache.shown}: {plural(len(garbage.paths), 'path')} and "
        f"{plural(len(garbage.nars), 'file')} ({human_bytes(garbage.size)}) {done}; "
        f"{garbage.kept:,} kept"
    )
    console.summary(
        {
            "store": cache.shown,
            "dryRun": not parsed.delete,
            "paths": [str(path) for path in garbage.paths.values()],
            "files": len(garbage.nars),
            "bytes": garbage.size,
            "kept": garbage.kept,
            "lostRoots": list(map(str, garbage.lost_roots)),
            "unreadable": garbage.unreadable,
        }
    )
    return 0


async def _collect(cache: RemoteCache, retention: Retention, *, delete: bool) -> Garbage:
    async with cache.open() as backend:
        if not delete:
            return await find_garbage(backend, retention)
        if not isinstance(backend, CollectableBackend):
            raise UsageError(
                "nothing can be removed from a cache over http(s)",
                where=cache.shown,
                hint="run it where the files are: npm2nixlite cache-gc file:///DIR",
            )
        return await collect(backend, retention)


def _roots(file: str) -> list[StorePath]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"the roots cannot be read: {reason}", where=file) from None
    roots = []
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition("#")[0].strip()
        if not name:
            continue
        path = store_path(Path(name), store_dir())
        if path is None:
            raise InputError(
                f"{name!r} is no store path, nor a link to one",
                where=(file, f"line {number}"),
                hint="nothing was removed",
            )
        roots.append(StorePath.parse(path))
    return roots


def _duration(text: str) -> int:
    """Seconds, of ``90d`` and the like."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdecimal()) or unit not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; expected 36h, 90d or 12w")
    return int(number) * _UNITS[unit]


def _moment(text: str) -> float:
    """Seconds since 1970, of a date, a date and time, or a duration until now."""
    if text[-1:] in _UNITS:
        return datetime.now().astimezone().timestamp() - _duration(text)
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date; expected 2025-06-01, or 90d ago"
        ) from None
