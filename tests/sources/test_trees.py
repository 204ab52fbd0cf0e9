"""From generated files to git trees and local tarballs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.lock.git import GitTree
from npm2nixlite.lock.model import Link
from npm2nixlite.node_packages.model import (
    GitPin,
    LocalPin,
    NodePackages,
    PackageEntry,
    Unfilled,
)
from npm2nixlite.sources.git_trees import resolve_revisions
from npm2nixlite.sources.trees import (
    PinnedTree,
    fetch_trees,
    fixed_trees,
    local_files_of,
    trees_of,
)
from npm2nixlite.store.fixed_file import FixedFile
from tests.node_packages.models import digest
from tests.support.git import serve_git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from npm2nixlite.node_packages.model import AnyPin
    from tests.support.git import Forge

OPTIONS = FetchOptions(retries=0, timeout=20)
G = GitTree("https://git.example/g.git", "a" * 40)
H = GitTree("https://git.example/h.git", "b" * 40, "packages/h")


def entry(name: str, pin: AnyPin) -> PackageEntry:
    return PackageEntry(f"node_modules/{name}", name, "1.0.0", pin)


def git(tree: GitTree, *, prepare: bool = False) -> GitPin:
    return GitPin(tree, digest("sha256", tree.url), submodules=False, prepare=prepare)


def local(path: str) -> LocalPin:
    return LocalPin(path, digest("sha256", path))


MODEL = NodePackages(
    "package-lock.json",
    "0" * 64,
    3,
    project="../app",
    entries=(
        entry("f", local("v/f.tgz")),
        entry("g", git(G, prepare=True)),
        entry("h", git(H)),
        entry("h2", git(replace(H, directory="packages/h2"))),
        Link("node_modules/l", ""),
        entry("same", local("v/f.tgz")),
        PackageEntry("node_modules/u", "u", "1.0.0", Unfilled()),
        entry("x", local("x&y.tgz")),
    ),
    prepared={G: (entry("k", git(replace(G, url="https://h/k"))), entry("t", local("t.tgz")))},
)


def test_each_repository_is_named_once_at_its_root() -> None:
    assert trees_of(MODEL) == [
        PinnedTree("g-aaaaaaa", digest("sha256", G.url), G, "node_modules/g"),
        PinnedTree(
            "h-bbbbbbb", digest("sha256", H.url), replace(H, directory=""), "node_modules/h"
        ),
        PinnedTree(
            "k-aaaaaaa",
            digest("sha256", "https://h/k"),
            replace(G, url="https://h/k"),
            f"{G} node_modules/k",
        ),
    ]


def test_local_tarballs_are_those_of_the_project_each_once(tmp_path: Path) -> None:
    assert local_files_of(MODEL, tmp_path) == [
        FixedFile("f.tgz", tmp_path / "../app/v/f.tgz", digest("sha256", "v/f.tgz")),
        FixedFile("x-y.tgz", tmp_path / "../app/x&y.tgz", digest("sha256", "x&y.tgz")),
    ]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with serve_git(tmp_path / "forge") as served:
        yield served


def real(forge: Forge, scratch: Path, name: str) -> PinnedTree:
    """A tree that a server has, with its real hash."""
    rev = forge.commit(name, {"a": name})
    tree = GitTree(f"{forge.base}{name}.git", rev)
    found = resolve_revisions({tree: "x"}, Cache(scratch), OPTIONS)[tree]
    return PinnedTree(f"{name}-{rev[:7]}", found.sha256, tree, f"node_modules/{name}")


def test_trees_that_the_cache_lacks_are_fetched(cache: Cache, forge: Forge, tmp_path: Path) -> None:
    trees = [real(forge, tmp_path / "scratch", name) for name in ("g", "h")]
    assert fetch_trees(trees[:1], cache, OPTIONS) == 1
    assert fetch_trees([*trees, trees[1]], cache, OPTIONS) == 1
    forge.requests.clear()
    assert fetch_trees(trees, cache, OPTIONS, offline=True) == 0
    assert forge.requests == []
    files = fixed_trees(trees, cache)
    assert files == [
        FixedFile(tree.name, cache.tree(tree.sha256), tree.sha256, recursive=True) for tree in trees
    ]
    assert [(file.path / "a").read_text() for file in files] == ["g", "h"]


def test_a_tree_of_another_hash_is_refused(cache: Cache, forge: Forge, tmp_path: Path) -> None:
    tree = replace(real(forge, tmp_path / "scratch", "g"), sha256=digest("sha256", "other"))
    with pytest.raises(FetchError, match="do not have the hash") as caught:
        fetch_trees([tree], cache, OPTIONS)
    assert str(tree.sha256) in caught.value.what
    assert caught.value.where == ("node_modules/g",)
    assert "npm2nixlite generate" in caught.value.hint


def test_without_a_connection_a_missing_tree_is_a_failure(
    cache: Cache, forge: Forge, tmp_path: Path
) -> None:
    tree = real(forge, tmp_path / "scratch", "g")
    with pytest.raises(FetchError, match=r"not in the cache") as caught:
        fetch_trees([tree], cache, OPTIONS, offline=True)
    assert "(node_modules/g)" in caught.value.what
