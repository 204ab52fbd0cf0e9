"""From ``node-packages.nix`` files to the git trees and local tarballs they name.

Both have a store path before anybody evaluates anything: that of a fixed-output derivation with
their hash and name, as nixpkgs' ``fetchgit`` makes one. Nix's own fetchers use what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError, InputError
from npm2nixlite.integrity import Integrity, parse_integrity
from npm2nixlite.lock.git import GitTree, git_tree
from npm2nixlite.node_packages.names import store_name
from npm2nixlite.node_packages.read import read_node_packages
from npm2nixlite.store.fixed_file import FixedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.fetch.job import FetchOptions

__all__ = ["Tree", "fetch_trees", "fixed_trees", "read_local", "read_trees"]


@dataclass(frozen=True)
class Tree:
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


def read_trees(file: Path) -> list[Tree]:
    """The git trees of a generated file, each once.

    Raises:
        InputError: The file cannot be read, or this program did not write it.
    """
    found: dict[tuple[str, Integrity], Tree] = {}
    content = read_node_packages(_text(file), str(file))
    for install_path, attributes in content.packages.items():
        if "git" not in attributes:
            continue
        url, rev = str(attributes["git"]), str(attributes.get("rev"))
        known = git_tree(f"git+{url}#{rev}")
        tree = known if isinstance(known, GitTree) and known.url == url else GitTree(url, rev)
        sha256 = _sha256(attributes.get("narHash"), file, install_path)
        item = Tree(str(attributes.get("storeName")), sha256, tree, install_path)
        found.setdefault((item.name, sha256), item)
    return list(found.values())


def read_local(file: Path) -> list[FixedFile]:
    """The project's own tarballs in a generated file, each once.

    Raises:
        InputError: The file cannot be read, or this program did not write it.
    """
    found: dict[tuple[str, Integrity], FixedFile] = {}
    content = read_node_packages(_text(file), str(file))
    for install_path, attributes in content.packages.items():
        # A tarball that a git dependency is built with is a part of that one's tree.
        if "file" not in attributes or install_path in content.prepared:
            continue
        path = str(attributes["file"])
        name = str(attributes.get("storeName") or store_name(path)[0])
        sha256 = _sha256(attributes.get("sha256"), file, install_path)
        place = file.parent / content.project / path
        found.setdefault((name, sha256), FixedFile(name, place, sha256))
    return list(found.values())


def fetch_trees(
    trees: Sequence[Tree], cache: Cache, options: FetchOptions, *, offline: bool = False
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


def fixed_trees(trees: Iterable[Tree], cache: Cache) -> list[FixedFile]:
    """The trees in the download cache, each under its own name."""
    return [
        FixedFile(item.name, cache.tree(item.sha256), item.sha256, recursive=True) for item in trees
    ]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(file)) from error


def _sha256(text: object, file: Path, install_path: str) -> Integrity:
    for integrity in parse_integrity(str(text)):
        if integrity.algorithm == "sha256":
            return integrity
    raise InputError(
        f"the hash {text!r} is not one that npm2nixlite writes",
        where=(str(file), install_path),
        hint="make the file anew with 'npm2nixlite generate'",
    )
