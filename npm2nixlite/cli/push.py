"""``npm2nixlite push``: tarballs, or built closures → a binary cache, or any other Nix store."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npm2nixlite.binarycache.address import DEFAULT_JOBS, backend_at
from npm2nixlite.binarycache.credentials import Credentials
from npm2nixlite.binarycache.pack import Compression, require
from npm2nixlite.binarycache.push import Options, Progress
from npm2nixlite.cache import Cache
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.files import (
    DEFAULT_FILE,
    Sources,
    counter,
    fetch,
    fetch_json,
    read_all,
    tell_fetched,
)
from npm2nixlite.cli.options import add_fetch_options, positive
from npm2nixlite.cli.push_closures import push_closures, put_into_local_store
from npm2nixlite.cli.push_report import tell_plan, tell_summary
from npm2nixlite.errors import InputError
from npm2nixlite.generate import OUTPUT_NAME
from npm2nixlite.messages import without_credentials
from npm2nixlite.nix import copy as nix_copy
from npm2nixlite.store.path import DEFAULT_STORE_DIR
from npm2nixlite.store.signature import read_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.cli.console import Console

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Push the tarballs of {OUTPUT_NAME} files, or what was built from them, to a binary cache.

Tarballs, and trees of git dependencies, go there from the download cache (what is missing in it
is fetched first): no Nix, and no Nix store, is needed here. What the cache has already is skipped.
They are fixed by their hash, so Nix takes them from any cache without trusting its key. Store
paths, such as ./result, go with all that they need, through 'nix copy'.

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
    parser.add_argument("--to", metavar="STORE", required=True, help="the address of the store")
    parser.add_argument(
        "items",
        metavar="FILE or STORE-PATH",
        nargs="*",
        type=Path,
        default=[DEFAULT_FILE],
        help=f"default: {DEFAULT_FILE}",
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
    group.add_argument("--key-file", metavar="FILE", type=Path, help="sign with this secret key")
    group.add_argument(
        "--token-file", metavar="FILE", type=Path, help="a bearer token for http(s), in a file"
    )
    group.add_argument(
        "--jobs",
        metavar="N",
        type=positive,
        default=DEFAULT_JOBS,
        help="requests to the store at once, at most (default: %(default)s)",
    )
    add_fetch_options(parser)
    add_console_options(parser)


@dataclass
class _Outcome:
    """What came of a push; each part is None where there was nothing of its kind."""

    tarballs: dict[str, Any] | None = None
    closures: dict[str, Any] | None = None
    fetch: dict[str, Any] | None = None
    start: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        return time.monotonic() - self.start


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    outcome = _Outcome()
    store_dir = os.environ.get("NIX_STORE_DIR") or DEFAULT_STORE_DIR
    files, store_paths = _sort(parsed.items, store_dir)
    compression = None if parsed.compression is None else Compression(parsed.compression)
    key = None if parsed.key_file is None else read_secret_key(parsed.key_file)
    require(compression or Compression.NONE)
    open_cache = _opener(parsed)
    sources = read_all(files, parsed)
    if open_cache is None and sources:
        paths, fetched = put_into_local_store(sources, parsed, console)
        store_paths += paths
        outcome.fetch = fetch_json(fetched)
    elif open_cache is not None and sources:
        options = Options(store_dir, compression or Compression.NONE, key, parsed.jobs)
        _push_sources(sources, open_cache, options, parsed, console, outcome)
    if store_paths:
        cache = None if open_cache is None else open_cache(1)
        outcome.closures = push_closures(store_paths, parsed, compression, cache, console)
    console.summary(
        {
            "store": without_credentials(parsed.to),
            "dryRun": parsed.dry_run,
            "tarballs": outcome.tarballs,
            "closures": outcome.closures,
            "fetch": outcome.fetch,
            "seconds": round(outcome.seconds(), 3),
        }
    )
    return 0


def _sort(items: Sequence[Path], store_dir: str) -> tuple[list[Path], list[str]]:
    files: list[Path] = []
    store_paths: list[str] = []
    for item in items:
        path = nix_copy.store_path(item, store_dir)
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


def _opener(parsed: argparse.Namespace) -> Callable[[int], Backend] | None:
    """How to open the binary cache; None where the store is none."""
    if not nix_copy.is_cache(parsed.to):
        return None
    credentials = None
    if parsed.token_file is not None:
        try:
            credentials = Credentials.bearer(parsed.token_file.read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read: {error}", where=str(parsed.token_file)) from None

    def open_cache(jobs: int) -> Backend:
        return backend_at(
            parsed.to,
            credentials=credentials,
            jobs=jobs,
            retries=parsed.retries,
            stalled=parsed.timeout,
        )

    open_cache(1)  # an address that cannot be used is told before anything is fetched
    return open_cache


def _push_sources(
    sources: Sources,
    open_cache: Callable[[int], Backend],
    options: Options,
    parsed: argparse.Namespace,
    console: Console,
    outcome: _Outcome,
) -> None:
    from npm2nixlite.binarycache.pool import ask_all, send_all

    cache = Cache(parsed.cache_dir)
    shown = without_credentials(parsed.to)
    total = len(sources.files(cache))
    if parsed.dry_run:
        sources = sources.at_hand(cache)
    else:
        fetched = fetch(sources, cache, parsed, console)
        tell_fetched(console, fetched)
        outcome.fetch = fetch_json(fetched)
    files = sources.files(cache)
    asking = _watch(console, "asking", len(files))
    plan = ask_all(open_cache, files, options, asking)
    asking(Progress("ask", len(files), len(files)))  # a new cache is not asked for each
    if parsed.dry_run:
        outcome.tarballs = tell_plan(console, shown, plan, total - len(files))
        return
    sending = len(plan.missing)
    start = time.monotonic()
    watch = _watch(console, "sending", sending) if sending else (lambda _: None)
    summary = send_all(open_cache, plan, options, watch)
    outcome.tarballs = tell_summary(
        console,
        shown,
        summary,
        time.monotonic() - start,
        outcome.seconds(),
    )


def _watch(console: Console, what: str, total: int) -> Callable[[Progress], None]:
    told = counter(console.bar(what)(total))
    return lambda progress: told(progress.done, progress.sent)
