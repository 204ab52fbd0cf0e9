"""What ``prime`` and ``push`` have in common: node-packages.nix files, and the fetch before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from npm2nixlite.cli.console import human_bytes
from npm2nixlite.cli.generate import fetch_options
from npm2nixlite.generate import OUTPUT_NAME
from npm2nixlite.tarballs import fetch_missing, node_packages_file, read

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from npm2nixlite.cache import Cache
    from npm2nixlite.cli.console import Console
    from npm2nixlite.tarballs import FetchSummary, Tarball

__all__ = ["DEFAULT_FILE", "count", "counter", "fetch", "fetch_json", "read_all", "tell_fetched"]

DEFAULT_FILE = Path(OUTPUT_NAME)


def read_all(files: Iterable[Path], parsed: argparse.Namespace) -> list[Tarball]:
    """The tarballs of all files."""
    found = dict.fromkeys(map(node_packages_file, files))
    return [
        tarball
        for file in found
        for tarball in read(file, registry=parsed.registry, npmrc=parsed.npmrc)
    ]


def fetch(
    tarballs: Sequence[Tarball], cache: Cache, parsed: argparse.Namespace, console: Console
) -> FetchSummary:
    """Fetch those that are missing in the download cache."""
    return fetch_missing(
        tarballs,
        cache,
        fetch_options(parsed),
        offline=parsed.offline,
        progress=console.bar("fetching"),
    )


def tell_fetched(console: Console, summary: FetchSummary) -> None:
    """Say how the fetch went, where there was one."""
    if summary.fetched:
        console.say(
            f"{count(summary.fetched, 'package')} fetched "
            f"({human_bytes(summary.fetched_bytes)}); {summary.seconds:.1f} s"
        )


def fetch_json(summary: FetchSummary) -> dict[str, Any]:
    """The summary of the fetch, for programs."""
    return {
        "packages": summary.packages,
        "fetched": summary.fetched,
        "fetchedBytes": summary.fetched_bytes,
        "seconds": round(summary.seconds, 3),
    }


def counter(advance: Callable[[int, int], None]) -> Callable[..., None]:
    """From totals so far, of items and perhaps bytes, to the steps that a progress bar wants."""
    items = transferred = 0

    def told(items_so_far: int, bytes_so_far: int = 0) -> None:
        nonlocal items, transferred
        advance(items_so_far - items, bytes_so_far - transferred)
        items, transferred = items_so_far, bytes_so_far

    return told


def count(number: int, one: str) -> str:
    """A number of things."""
    return f"{number:,} {one if number == 1 else f'{one}s'}"
