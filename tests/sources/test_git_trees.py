"""Git trees: checked out once, hashed as Nix hashes them, and kept."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.lock.git import GitTree
from npm2nixlite.sources.git_trees import resolve_revisions
from npm2nixlite.store.nar import dump
from tests.support.git import serve_git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.git import Forge

OPTIONS = FetchOptions(retries=0, timeout=20)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with serve_git(tmp_path / "forge") as served:
        yield served


def tree(forge: Forge, name: str, rev: str | None = None, ssh: str | None = None) -> GitTree:
    rev = rev or forge.commit(name, {"a": name})
    return GitTree(f"{forge.base}{name}.git", rev, ssh=ssh)


def test_trees_are_hashed_as_nix_hashes_them(cache: Cache, forge: Forge) -> None:
    one, other = tree(forge, "g"), tree(forge, "h")
    found = resolve_revisions({one: "x", other: "y"}, cache, OPTIONS)
    assert list(found) == [one, other]
    for wanted, text in ((one, "g"), (other, "h")):
        known = found[wanted]
        assert known.place == cache.tree(known.sha256)
        assert [path.name for path in known.place.iterdir()] == ["a"]
        assert (known.place / "a").read_text() == text
        assert known.sha256.digest == hashlib.sha256(b"".join(dump(known.place))).digest()
        assert known.sha256.algorithm == "sha256"
        assert not known.submodules


def test_what_is_known_is_asked_for_no_more(cache: Cache, forge: Forge) -> None:
    one, other = tree(forge, "g"), tree(forge, "h")
    first = resolve_revisions({one: "x"}, cache, OPTIONS)
    forge.requests.clear()
    assert resolve_revisions({one: "x"}, cache, OPTIONS, offline=True) == first
    assert forge.requests == []
    both = resolve_revisions({one: "x", other: "y"}, cache, OPTIONS)
    assert both[one] == first[one]
    assert all("h.git" in request for request in forge.requests)


def test_all_that_fail_are_told(cache: Cache, forge: Forge) -> None:
    good = tree(forge, "g")
    gone = tree(forge, "gone", "a" * 40)
    other = tree(forge, "h", "b" * 40)
    with pytest.raises(FetchError, match="2 of 3 git revisions") as caught:
        resolve_revisions({other: "y", good: "x", gone: "z"}, cache, OPTIONS)
    lines = caught.value.what.splitlines()
    assert lines[1] == f"  {gone} (z):"
    assert lines[3] == f"  {other} (y):"
    assert lines[2].startswith("    git fetch failed: ")
    assert "ls-remote" in caught.value.hint
    assert "\n" not in caught.value.hint
    assert resolve_revisions({good: "x"}, cache, OPTIONS, offline=True)


def test_without_a_connection_what_is_missing_is_a_failure(cache: Cache, forge: Forge) -> None:
    one = tree(forge, "g")
    with pytest.raises(FetchError, match="1 of 1 git revisions") as caught:
        resolve_revisions({one: "x"}, cache, OPTIONS, offline=True)
    assert "not in the cache" in caught.value.what
    assert "run it without --offline" in caught.value.hint
    assert forge.requests == []


def test_another_way_to_a_repository_is_tried(cache: Cache, forge: Forge) -> None:
    real = tree(forge, "g")
    closed = GitTree(f"{forge.base}closed.git", real.rev, ssh=real.url)
    found = resolve_revisions({closed: "x"}, cache, OPTIONS)
    assert (found[closed].place / "a").read_text() == "g"
    worse = GitTree(f"{forge.base}closed.git", "b" * 40, ssh=f"{forge.base}shut.git")
    with pytest.raises(FetchError) as caught:
        resolve_revisions({worse: "x"}, cache, OPTIONS)
    assert "closed.git" in caught.value.what
    assert "shut.git" not in caught.value.what


def test_submodules_belong_to_a_tree_unless_a_forge_archives_it(
    cache: Cache, forge: Forge, tmp_path: Path
) -> None:
    forge.commit("sub", {"s": "s"})
    more = ("submodule", "--quiet", "add", f"{forge.base}sub.git", "sub")
    rev = forge.commit("g", {"a": "a"}, more=more)
    plain = GitTree(f"{forge.base}g.git", rev)
    known = resolve_revisions({plain: "x"}, cache, OPTIONS)[plain]
    assert known.submodules
    assert (known.place / "sub/s").read_text() == "s"
    archived = GitTree(f"{forge.base}g.git", rev, ssh=f"{forge.base}g.git")
    known = resolve_revisions({archived: "x"}, Cache(tmp_path / "other"), OPTIONS)[archived]
    assert not known.submodules
    assert not (known.place / "sub/s").exists()
