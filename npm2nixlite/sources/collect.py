"""What the packages of some ``node-packages.nix`` files are filled from, and its fetching."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.config.registry import load_registry_config
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.node_packages.read import load_node_packages, node_packages_file
from npm2nixlite.progress import no_progress
from npm2nixlite.sources.tarballs import fetch_missing, fixed_files, tarballs_of
from npm2nixlite.sources.trees import fetch_trees, fixed_trees, local_files_of, trees_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.progress import Progress
    from npm2nixlite.sources.tarballs import PinnedTarball, TarballsFetched
    from npm2nixlite.sources.trees import PinnedTree
    from npm2nixlite.store.fixed_file import FixedFile

__all__ = ["Collected", "SourceOptions", "Sources", "fetch_sources", "read_sources"]


@dataclass(frozen=True)
class SourceOptions:
    """Where sources come from.

    Attributes:
        cache: The download cache.
        fetch: Connections, retries, timeout.
        offline: Open no connection: what is missing is a failure.
        registry: Goes before every configured registry base.
        npmrc: Read in the place of the user's ``.npmrc``.
    """

    cache: Cache
    fetch: FetchOptions = field(default_factory=FetchOptions)
    offline: bool = False
    registry: str | None = None
    npmrc: Path | None = None


@dataclass(frozen=True)
class Sources:
    """What the packages of some files are filled from.

    Attributes:
        tarballs: Those that are fetched.
        trees: Git repositories at a commit.
        local: The projects' own tarballs.
    """

    tarballs: Sequence[PinnedTarball] = ()
    trees: Sequence[PinnedTree] = ()
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


@dataclass(frozen=True)
class Collected:
    """What making sources available took.

    Attributes:
        tarballs: Of the tarballs.
        trees: How many git revisions were fetched.
    """

    tarballs: TarballsFetched
    trees: int


def read_sources(files: Iterable[Path], options: SourceOptions) -> Sources:
    """What all files name.

    Args:
        files: Each a ``node-packages.nix``, or a directory that has one.
        options: Which registry, and whose ``.npmrc``.

    Raises:
        InputError: A file is missing, or this program did not write it.
    """
    tarballs: list[PinnedTarball] = []
    trees: list[PinnedTree] = []
    local: list[FixedFile] = []
    for file in dict.fromkeys(map(node_packages_file, files)):
        content = load_node_packages(file)
        directory = file.absolute().parent
        config = load_registry_config(directory, user_file=options.npmrc, registry=options.registry)
        tarballs += tarballs_of(content, config)
        trees += trees_of(content)
        local += local_files_of(content, directory)
    return Sources(tarballs, trees, local)


def fetch_sources(
    sources: Sources, options: SourceOptions, progress: Progress = no_progress
) -> Collected:
    """Fetch those that are missing in the download cache.

    Raises:
        FetchError: Some could not be fetched or verified; the message lists every one.
        InputError: No registry is named where one is needed.
    """
    trees = fetch_trees(sources.trees, options.cache, options.fetch, offline=options.offline)
    tarballs = fetch_missing(
        sources.tarballs,
        options.cache,
        options.fetch,
        offline=options.offline,
        progress=progress,
    )
    return Collected(tarballs, trees)
