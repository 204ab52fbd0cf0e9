"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from npm2nixlite.cache import default_cache_directory
from npm2nixlite.fetch.job import DEFAULT_CONNECTIONS, FetchOptions

__all__ = [
    "add_fetch_options",
    "add_network_options",
    "byte_size",
    "fetch_options",
    "natural",
    "positive",
    "seconds",
]

_SIZE = re.compile(r"([0-9]{1,15})([kMGT]?)B?")
_PLURALS = {"tarball": "tarballs", "metadata": "answers about a package"}


def add_fetch_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that fetches packages."""
    group = parser.add_argument_group("fetching")
    group.add_argument("--offline", action="store_true", help="use the cache only")
    group.add_argument(
        "--cache-dir",
        metavar="DIR",
        type=Path,
        default=default_cache_directory(),
        help="download cache (default: %(default)s)",
    )
    add_network_options(group)


def add_network_options(group: argparse._ArgumentGroup) -> None:
    """From where, and how: the options of all that asks a registry."""
    defaults = FetchOptions()
    group.add_argument(
        "--registry", metavar="URL", help="fetch from this registry base, whatever else is set"
    )
    group.add_argument(
        "--npmrc", metavar="FILE", type=Path, help="read it in the place of your own .npmrc"
    )
    group.add_argument(
        "--connections",
        metavar="N",
        type=positive,
        default=DEFAULT_CONNECTIONS,
        help="connections at once, at most (default: %(default)s)",
    )
    group.add_argument(
        "--retries",
        metavar="N",
        type=natural,
        default=defaults.retries,
        help="further attempts after a failure that may pass (default: %(default)s)",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=defaults.timeout,
        help="without a byte, or with next to none, that count as a failure (default: %(default)g)",
    )
    for kind, default in (("tarball", defaults.max_tarball), ("metadata", defaults.max_metadata)):
        group.add_argument(
            f"--max-{kind}-size",
            metavar="SIZE",
            type=byte_size,
            default=default,
            help=f"refuse larger {_PLURALS[kind]} (default: {default // 1_000_000:,}M)",
        )


def fetch_options(parsed: argparse.Namespace) -> FetchOptions:
    """What `add_network_options` parsed."""
    return FetchOptions(
        parsed.connections,
        parsed.retries,
        parsed.timeout,
        max_tarball=parsed.max_tarball_size,
        max_metadata=parsed.max_metadata_size,
    )


def positive(text: str) -> int:
    """A whole number from 1."""
    number = natural(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def natural(text: str) -> int:
    """A whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def byte_size(text: str) -> int:
    """A size in bytes: ``500M``, ``2G``; decimal units."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; expected 500M or 2G, say")
    factor: int = 1000 ** " kMGT".index(match[2] or " ")
    return int(match[1]) * factor


def seconds(text: str) -> float:
    """A time of some length."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return number
