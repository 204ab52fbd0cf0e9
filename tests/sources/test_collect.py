"""What the packages of some generated files are filled from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.errors import InputError
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.lock.git import GitTree
from npm2nixlite.node_packages.model import GitPin, NodePackages, PackageEntry, Pin
from npm2nixlite.node_packages.write import write_node_packages
from npm2nixlite.plan import Address
from npm2nixlite.sources.collect import SourceOptions, Sources, fetch_sources, read_sources
from npm2nixlite.sources.git_trees import resolve_revisions
from npm2nixlite.sources.tarballs import fixed_files
from npm2nixlite.sources.trees import fixed_trees
from tests.node_packages.models import digest
from tests.sources.test_tarballs import sha512
from tests.sources.test_trees import MODEL
from tests.support.git import serve_git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry


@pytest.fixture
def options(tmp_path: Path) -> SourceOptions:
    return SourceOptions(Cache(tmp_path / "cache"), FetchOptions(retries=0, timeout=20))


def write(directory: Path, model: NodePackages) -> Path:
    directory.mkdir(exist_ok=True)
    file = directory / "node-packages.nix"
    file.write_text(write_node_packages(model))
    return file


def fetched(name: str, pin: Pin) -> NodePackages:
    entry = PackageEntry(f"node_modules/{name}", name, "1.0.0", pin)
    return NodePackages("package-lock.json", "0" * 64, 3, entries=(entry,))


def pin(name: str) -> Pin:
    return Pin(Address(f"https://h.example/{name}.tgz", relative=False), digest("sha512", name))


def test_all_sources_of_all_files_are_found_each_file_once(
    home: Path, options: SourceOptions
) -> None:
    one = write(home / "one", MODEL)
    two = write(home / "two", fetched("a", pin("a")))
    sources = read_sources([one, home / "one", two.parent, two], options)
    assert [tarball.label for tarball in sources.tarballs] == ["a@1.0.0"]
    assert [tree.name for tree in sources.trees] == ["g-aaaaaaa", "h-bbbbbbb", "k-aaaaaaa"]
    assert [file.name for file in sources.local] == ["f.tgz", "x-y.tgz"]
    assert sources.local[0].path == home / "one/../app/v/f.tgz"
    assert sources.tarballs[0].config.project == home / "two"


def test_the_registry_and_the_npmrc_that_are_named_count(
    home: Path, options: SourceOptions
) -> None:
    relative = Pin(Address("a.tgz", relative=True), digest("sha512", "a"))
    file = write(home / "one", fetched("a", relative))
    npmrc = home / "other.npmrc"
    npmrc.write_text("registry=https://npmrc.example/\n")
    other = SourceOptions(options.cache, npmrc=npmrc)
    assert read_sources([file], other).tarballs[0].url() == "https://npmrc.example/a.tgz"
    other = SourceOptions(options.cache, npmrc=npmrc, registry="https://named.example/")
    assert read_sources([file], other).tarballs[0].url() == "https://named.example/a.tgz"


def test_a_file_that_is_missing_or_foreign_is_told(home: Path, options: SourceOptions) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_sources([home], options)
    (home / "node-packages.nix").write_text("{ }")
    with pytest.raises(InputError, match="no file that npm2nixlite wrote"):
        read_sources([home], options)


def test_sources_are_chosen_by_name_and_hash(home: Path, options: SourceOptions) -> None:
    write(home / "one", MODEL)
    write(home / "two", fetched("a", pin("a")))
    sources = read_sources([home / "one", home / "two"], options)
    assert not Sources()
    for part in (
        Sources(tarballs=sources.tarballs),
        Sources(trees=sources.trees),
        Sources(local=sources.local),
    ):
        assert part
        assert sources.only(
            {(file.name, file.integrity) for file in part.files(options.cache)}
        ) == (Sources(list(part.tarballs), list(part.trees), list(part.local)))
    assert not sources.only(set())
    assert sources.files(options.cache) == [
        *fixed_files(sources.tarballs, options.cache),
        *fixed_trees(sources.trees, options.cache),
        *sources.local,
    ]


def test_what_is_at_hand_is_told_from_what_is_absent(
    home: Path, tmp_path: Path, registry: Registry, options: SourceOptions
) -> None:
    address = Address(f"{registry.base}a/-/a-1.0.0.tgz", relative=False)
    write(home / "one", fetched("a", Pin(address, sha512(registry.publish("a")))))
    with serve_git(tmp_path / "forge") as forge:
        tree = GitTree(f"{forge.base}g.git", forge.commit("g", {"a": "a"}))
        scratch = Cache(tmp_path / "scratch")
        found = resolve_revisions({tree: "x"}, scratch, options.fetch)[tree]
        entry = PackageEntry("node_modules/g", "g", "1", GitPin(tree, found.sha256, False))
        write(home / "two", NodePackages("package-lock.json", "0" * 64, 3, entries=(entry,)))
        write(home / "three", MODEL)
        sources = read_sources([home / "one", home / "two"], options)
        assert sources.absent(options.cache) == 2
        assert not sources.at_hand(options.cache)
        local = read_sources([home / "three"], options)
        assert local.at_hand(options.cache) == Sources([], [], local.local)
        assert local.absent(options.cache) == 3
        totals: list[int] = []

        def progress(total: int) -> object:
            totals.append(total)
            return lambda _items, _size: None

        took = fetch_sources(sources, options, progress)  # type: ignore[arg-type]
    assert (took.trees, took.tarballs.fetched, totals) == (1, 1, [1])
    assert sources.absent(options.cache) == 0
    assert sources.at_hand(options.cache) == sources
    offline = SourceOptions(options.cache, options.fetch, offline=True)
    again = fetch_sources(sources, offline)
    assert (again.trees, again.tarballs.fetched) == (0, 0)
