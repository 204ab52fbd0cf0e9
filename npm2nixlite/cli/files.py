"""What ``prime`` and ``push`` have in common: node-packages.nix files, and the fetch before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npm2nixlite.cli.options import fetch_options
from npm2nixlite.generate import OUTPUT_NAME
from npm2nixlite.messages import human_bytes, plural
from npm2nixlite.sources.tarballs import fetch_missing, fixed_files, node_packages_file, read
from npm2nixlite.sources.trees import fetch_trees, fixed_trees, read_local, read_trees

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Container, Iterable, Sequence

    from npm2nixlite.cache import Cache
    from npm2nixlite.cli.console import Console
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.progress import Advance
    from npm2nixlite.sources.tarballs import FetchSummary, Tarball
    from npm2nixlite.sources.trees import Tree
    from npm2nixlite.store.fixed_file import FixedFile

__all__ = [
    "DEFAULT_FILE",
    "Sources",
    "counter",
    "fetch",
    "fetch_json",
    "read_all",
    "tell_fetched",
]

DEFAULT_FILE = Path(OUTPUT_NAME)


@dataclass(frozen=True)
class Sources:
    """What the packages of some files are filled from.

    Attributes:
        tarballs: Those that are fetched.
        trees: Git repositories at a commit.
        local: The projects' own tarballs.
    """

    tarballs: Sequence[Tarball] = ()
    trees: Sequence[Tree] = ()
    local: Sequence[FixedFile] = ()

    def __bool__(self) -> bool:
        return bool(self.tarballs or self.trees or self.local)

    def files(self, cache: Cache) -> list[FixedFile]:
        """Each where it is, or would be, under its derivation's name."""
        return [*fixed_files(self.tarballs, cache), *fixed_trees(self.trees, cache), *self.local]

    def only(self, wanted: Container[tuple[str, Integrity]]) -> Sources:
        """Those with one of these names and hashes."""
        return Sources(
            [item for item in self.tarballs if (item.name, item.sha512) in wanted],
            [item for item in self.trees if (item.name, item.sha256) in wanted],
            [item for item in self.local if (item.name, item.integrity) in wanted],
        )

    def at_hand(self, cache: Cache) -> Sources:
        """Those that need not be fetched."""
        return Sources(
            [item for item in self.tarballs if cache.has(item.sha512)],
            [item for item in self.trees if cache.has_tree(item.sha256)],
            self.local,
        )

    def absent(self, cache: Cache) -> int:
        """How many contents are to be fetched."""
        tarballs = {item.sha512 for item in self.tarballs if not cache.has(item.sha512)}
        trees = {item.sha256 for item in self.trees if not cache.has_tree(item.sha256)}
        return len(tarballs) + len(trees)


def read_all(files: Iterable[Path], parsed: argparse.Namespace) -> Sources:
    """What all files name."""
    found = list(dict.fromkeys(map(node_packages_file, files)))
    return Sources(
        [
            tarball
            for file in found
            for tarball in read(file, registry=parsed.registry, npmrc=parsed.npmrc)
        ],
        [tree for file in found for tree in read_trees(file)],
        [tarball for file in found for tarball in read_local(file)],
    )


def fetch(
    sources: Sources, cache: Cache, parsed: argparse.Namespace, console: Console
) -> FetchSummary:
    """Fetch those that are missing in the download cache."""
    trees = fetch_trees(sources.trees, cache, fetch_options(parsed), offline=parsed.offline)
    if trees:
        console.say(f"{plural(trees, 'git revision')} fetched")
    return fetch_missing(
        sources.tarballs,
        cache,
        fetch_options(parsed),
        offline=parsed.offline,
        progress=console.bar("fetching"),
    )


def tell_fetched(console: Console, summary: FetchSummary) -> None:
    """Say how the fetch went, where there was one."""
    if summary.fetched:
        console.say(
            f"{plural(summary.fetched, 'package')} fetched "
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


def counter(advance: Advance) -> Callable[..., None]:
    """From totals so far, of items and perhaps bytes, to the steps that a progress bar wants."""
    items = transferred = 0

    def told(items_so_far: int, bytes_so_far: int = 0) -> None:
        nonlocal items, transferred
        advance(items_so_far - items, bytes_so_far - transferred)
        items, transferred = items_so_far, bytes_so_far

    return told
