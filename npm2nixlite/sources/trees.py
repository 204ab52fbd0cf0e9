"""From ``node-packages.nix`` files to the git trees and local tarballs they name.

Both have a store path before anybody evaluates anything: that of a fixed-output derivation with
their hash and name, as nixpkgs' ``fetchgit`` makes one. Nix's own fetchers use what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.node_packages.model import GitPin, LocalPin, PackageEntry
from npm2nixlite.store.fixed_file import FixedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.node_packages.model import NodePackages

__all__ = ["PinnedTree", "fetch_trees", "fixed_trees", "local_files_of", "trees_of"]


@dataclass(frozen=True)
class PinnedTree:
    """A git tree of a generated file.

    Attributes:
        name: Its store path's.
        sha256: Of its NAR.
        tree: Where it is from.
        install_path: The first entry it fills.
    """

    name: str
    sha256: Integrity
    tree: GitTree
    install_path: str


def trees_of(content: NodePackages) -> list[PinnedTree]:
    """The git trees of a generated file, each once."""
    found: dict[tuple[str, Integrity], PinnedTree] = {}
    for label, entry in content.labelled():
        if isinstance(entry, PackageEntry) and isinstance(entry.content, GitPin):
            pin = entry.content
            item = PinnedTree(pin.store_name, pin.sha256, replace(pin.tree, directory=""), label)
            found.setdefault((item.name, item.sha256), item)
    return list(found.values())


def local_files_of(content: NodePackages, directory: Path) -> list[FixedFile]:
    """The project's own tarballs in a generated file, each once.

    Args:
        content: What the file says.
        directory: The file's.
    """
    found: dict[tuple[str, Integrity], FixedFile] = {}
    # A tarball that a git dependency is built with is a part of that one's tree.
    for entry in content.entries:
        if isinstance(entry, PackageEntry) and isinstance(entry.content, LocalPin):
            pin = entry.content
            file = directory / content.project / pin.path
            found.setdefault(
                (pin.store_name, pin.sha256), FixedFile(pin.store_name, file, pin.sha256)
            )
    return list(found.values())


def fetch_trees(
    trees: Sequence[PinnedTree], cache: Cache, options: FetchOptions, *, offline: bool = False
) -> int:
    """Fetch what the download cache has not got; returns how many trees that were.

    Args:
        trees: What it is to have.
        cache: Where they go.
        options: Timeout.
        offline: Open no connection: what is missing is a failure.

    Raises:
        FetchError: Some could not be fetched, or are not what the file says.
    """
    missing = {item.tree: item for item in trees if not cache.has_tree(item.sha256)}
    if not missing:
        return 0
    from npm2nixlite.sources.git_trees import resolve_revisions

    wanted = {tree: item.install_path for tree, item in missing.items()}
    for tree, found in resolve_revisions(wanted, cache, options, offline=offline).items():
        if found.sha256 != missing[tree].sha256:
            raise FetchError(
                f"the files of {tree} do not have the hash {missing[tree].sha256}",
                where=missing[tree].install_path,
                hint="make the file anew with 'npm2nixlite generate'",
            )
    return len(missing)


def fixed_trees(trees: Iterable[PinnedTree], cache: Cache) -> list[FixedFile]:
    """The trees in the download cache, each under its own name."""
    return [
        FixedFile(item.name, cache.tree(item.sha256), item.sha256, recursive=True) for item in trees
    ]
