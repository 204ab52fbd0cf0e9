"""What ``prime`` and ``push`` have in common: options of sources, and words about fetching them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from npm2nixlite.cache import Cache
from npm2nixlite.cli.options import fetch_options
from npm2nixlite.messages import human_bytes, plural
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.sources.collect import SourceOptions

if TYPE_CHECKING:
    import argparse

    from npm2nixlite.cli.console import Console
    from npm2nixlite.sources.collect import Collected

__all__ = ["DEFAULT_FILE", "fetch_json", "source_options", "tell_fetched"]

DEFAULT_FILE = Path(OUTPUT_NAME)


def source_options(parsed: argparse.Namespace) -> SourceOptions:
    """What `add_fetch_options` parsed."""
    return SourceOptions(
        cache=Cache(parsed.cache_dir),
        fetch=fetch_options(parsed),
        offline=parsed.offline,
        registry=parsed.registry,
        npmrc=parsed.npmrc,
    )


def tell_fetched(console: Console, fetched: Collected) -> None:
    """Say how the fetch went, where there was one."""
    if fetched.trees:
        console.say(f"{plural(fetched.trees, 'git revision')} fetched")
    tarballs = fetched.tarballs
    if tarballs.fetched:
        console.say(
            f"{plural(tarballs.fetched, 'package')} fetched "
            f"({human_bytes(tarballs.fetched_bytes)}); {tarballs.seconds:.1f} s"
        )


def fetch_json(fetched: Collected) -> dict[str, Any]:
    """The same, for programs."""
    tarballs = fetched.tarballs
    return {
        "packages": tarballs.packages,
        "fetched": tarballs.fetched,
        "fetchedBytes": tarballs.fetched_bytes,
        "gitRevisions": fetched.trees,
        "seconds": round(tarballs.seconds, 3),
    }
