"""``npm2nixlite push``: tarballs, or built closures → a binary cache, or any other Nix store."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.address import DEFAULT_JOBS
from npm2nixlite.binarycache.compression import Compression
from npm2nixlite.cli.cache_options import add_token_option, read_token
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.files import DEFAULT_FILE, source_options
from npm2nixlite.cli.options import add_fetch_options, natural, positive
from npm2nixlite.cli.push_report import tell, tell_stores
from npm2nixlite.errors import InputError, Npm2nixliteError
from npm2nixlite.messages import plural
from npm2nixlite.nix.path_info import store_path
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.publish.options import PushOptions
from npm2nixlite.publish.push import push
from npm2nixlite.store.path import DEFAULT_STORE_DIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from npm2nixlite.cli.console import Console
    from npm2nixlite.publish.options import Push

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Push the tarballs of {OUTPUT_NAME} files, or what was built from them, to a binary cache.

Tarballs, and trees of git dependencies, go there from the download cache (what is missing in it
is fetched first): no Nix, and no Nix store, is needed here. What the cache has already is skipped.
They are fixed by their hash, so Nix takes them from any cache without trusting its key. Store
paths, such as ./result, or a file in one, go with all that they need.

STORE is file:///DIR, http(s)://HOST/… (a server that takes PUT), s3://BUCKET[?endpoint=…&region=…]
or any other store that Nix itself knows, such as ssh-ng://HOST.

FILE is a {OUTPUT_NAME}, or a directory that has one. STORE-PATH is a store path, or a link to one.
"""

_EPILOG = """\
examples:
  npm2nixlite push --to https://cache.example backend frontend
  npm2nixlite push --to s3://bucket?region=eu-west-1 --key-file secret-key ./result
  npm2nixlite generate && npm2nixlite push --to file:///srv/cache

User and password for http(s) are looked for in the address, in the file that NETRC names, in
~/.netrc and in /etc/nix/netrc; those for S3 where all tools for AWS look.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "push",
        help="push tarballs, or built closures, to a binary cache",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--to",
        metavar="STORE",
        required=True,
        action="append",
        help="the address of the store; may be given several times",
    )
    parser.add_argument(
        "items",
        metavar="FILE or STORE-PATH",
        nargs="*",
        type=Path,
        help=f"default: {DEFAULT_FILE}",
    )
    parser.add_argument(
        "--stdin", action="store_true", help="read further ones from stdin, between white space"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="go on: push what appears in the local Nix store, until SIGTERM or SIGINT",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what is missing, and fetch and send nothing"
    )
    group = parser.add_argument_group("pushing")
    group.add_argument(
        "--compression",
        choices=[kind.value for kind in Compression],
        help="of NARs (default: none for tarballs, which are compressed already; zstd for others)",
    )
    group.add_argument(
        "--compression-level", metavar="N", type=natural, help="how hard: zstd 1 to 22, xz 0 to 9"
    )
    group.add_argument(
        "--key-file",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="sign with this secret key, what the cache has unsigned, too",
    )
    group.add_argument(
        "--priority", metavar="N", type=natural, help="of the cache; the lower, the earlier asked"
    )
    group.add_argument(
        "--upstream",
        metavar="URL",
        action="append",
        default=[],
        help="a cache that the fleet asks as well: what it has is not sent",
    )
    group.add_argument(
        "--upstream-key",
        metavar="NAME:BASE64",
        action="append",
        default=[],
        help="the public key that the fleet trusts it by",
    )
    add_token_option(group)
    group.add_argument(
        "--jobs",
        metavar="N",
        type=positive,
        default=DEFAULT_JOBS,
        help="requests to the store at once, at most (default: %(default)s)",
    )
    add_fetch_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    store_dir = os.environ.get("NIX_STORE_DIR") or DEFAULT_STORE_DIR
    files, store_paths = _sort(parsed, store_dir)
    options = _options(parsed, store_dir)
    if parsed.watch and not (files or store_paths):
        return _watch(parsed.to, options, console)
    pushed = push(files, store_paths, parsed.to, options, console.bar)
    status = tell(console, pushed, dry_run=parsed.dry_run)
    return _watch(parsed.to, options, console) if parsed.watch else status


def _watch(stores: Sequence[str], options: PushOptions, console: Console) -> int:
    """Push what appears until SIGTERM or SIGINT; returns the exit status."""
    from npm2nixlite.publish.watch import WatchOptions, watch_store

    stopped = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }

    def told(done: Push | Npm2nixliteError) -> None:
        if isinstance(done, Npm2nixliteError):
            console.error(str(done))
        else:
            tell_stores(console, done)
        sys.stdout.flush()

    console.say(f"watching {options.store_dir}")
    sys.stdout.flush()
    try:
        watched = watch_store(stores, options, WatchOptions(), stopped=stopped.is_set, told=told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for path, error in watched.given_up.items():
        console.warn(f"{path} was given up: {error.what}")
    console.say(f"{plural(watched.pushed, 'path')} pushed, {len(watched.given_up):,} given up")
    return 4 if watched.given_up else 0


def _options(parsed: argparse.Namespace, store_dir: str) -> PushOptions:
    return PushOptions(
        sources=source_options(parsed),
        store_dir=store_dir,
        dry_run=parsed.dry_run,
        compression=None if parsed.compression is None else Compression(parsed.compression),
        level=parsed.compression_level,
        key_files=tuple(parsed.key_file),
        credentials=None if parsed.token_file is None else read_token(parsed.token_file),
        jobs=parsed.jobs,
        priority=parsed.priority,
        upstreams=tuple(parsed.upstream),
        upstream_keys=tuple(parsed.upstream_key),
    )


def _sort(parsed: argparse.Namespace, store_dir: str) -> tuple[list[Path], list[str]]:
    """Tell files from store paths; what lies in a store path counts as that path."""
    items = list(parsed.items)
    if parsed.stdin:
        items += map(Path, sys.stdin.read().split())
    elif not items and not parsed.watch:
        items = [DEFAULT_FILE]
    files: list[Path] = []
    store_paths: list[str] = []
    for item in items:
        path = store_path(item, store_dir)
        if path is not None:
            store_paths.append(path)
        elif item.exists() or item == DEFAULT_FILE:
            files.append(item)
        else:
            raise InputError(
                "there is neither such a file nor such a store path",
                where=str(item),
                hint=f"expected a {OUTPUT_NAME}, a directory that has one, or ./result",
            )
    return files, store_paths
