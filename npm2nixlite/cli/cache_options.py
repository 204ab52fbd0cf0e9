"""Options of the commands that talk to a binary cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.address import DEFAULT_JOBS, STALLED
from npm2nixlite.binarycache.credentials import Credentials
from npm2nixlite.binarycache.remote import RemoteCache
from npm2nixlite.binarycache.retry import DEFAULT_RETRIES
from npm2nixlite.cli.options import natural, positive, seconds
from npm2nixlite.errors import InputError
from npm2nixlite.store.path import DEFAULT_STORE_DIR

if TYPE_CHECKING:
    import argparse

__all__ = ["add_cache_options", "add_token_option", "read_token", "remote_cache", "store_dir"]


def add_token_option(group: argparse._ArgumentGroup) -> None:
    """Who we are to a cache over http(s); what else says so stands in files of their own."""
    group.add_argument(
        "--token-file", metavar="FILE", type=Path, help="a bearer token for http(s), in a file"
    )


def add_cache_options(parser: argparse.ArgumentParser) -> None:
    """How to talk to the one cache that the command is about."""
    parser.add_argument("store", metavar="URL", help="the cache's address, as for 'push --to'")
    group = parser.add_argument_group("the cache")
    add_token_option(group)
    group.add_argument(
        "--jobs",
        metavar="N",
        type=positive,
        default=DEFAULT_JOBS,
        help="requests at once, at most (default: %(default)s)",
    )
    group.add_argument(
        "--retries",
        metavar="N",
        type=natural,
        default=DEFAULT_RETRIES,
        help="further attempts after a failure that may pass (default: %(default)s)",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=STALLED,
        help="without a byte that count as a failure (default: %(default)g)",
    )


def remote_cache(parsed: argparse.Namespace) -> RemoteCache:
    """What `add_cache_options` parsed.

    Raises:
        UsageError: The address is of no binary cache.
        InputError: The token cannot be read.
    """
    credentials = None if parsed.token_file is None else read_token(parsed.token_file)
    cache = RemoteCache(parsed.store, credentials, parsed.jobs, parsed.retries, parsed.timeout)
    cache.open()
    return cache


def read_token(file: Path) -> Credentials:
    """A bearer token.

    Raises:
        InputError: The file cannot be read, or what it holds cannot be sent.
    """
    try:
        return Credentials.bearer(file.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"the token cannot be read: {reason}", where=str(file)) from None


def store_dir() -> str:
    """The logical store directory that caches here are for."""
    return os.environ.get("NIX_STORE_DIR") or DEFAULT_STORE_DIR
