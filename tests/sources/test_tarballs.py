"""From generated files to tarballs in the download cache."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.config.registry import RegistryConfig, load_registry_config
from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.job import Failure, FetchOptions
from npm2nixlite.integrity import Integrity
from npm2nixlite.lock.git import GitTree
from npm2nixlite.lock.model import Link
from npm2nixlite.node_packages.model import (
    AnyEntry,
    GitPin,
    LocalPin,
    NodePackages,
    PackageEntry,
    Pin,
    Unfilled,
)
from npm2nixlite.plan import Address
from npm2nixlite.sources.failures import Failed
from npm2nixlite.sources.tarballs import PinnedTarball, fetch_missing, fixed_files, tarballs_of
from npm2nixlite.store.fixed_file import FixedFile
from tests.node_packages.models import digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

OPTIONS = FetchOptions(retries=0, timeout=20)
TREE = GitTree("https://git.example/g.git", "a" * 40)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def config(home: Path) -> RegistryConfig:
    return load_registry_config(home, environment={})


def sha512(data: bytes) -> Integrity:
    return Integrity.of("sha512", hashlib.sha512(data).digest())


def entry(name: str, path: str, *, relative: bool = True, text: str = "") -> PackageEntry:
    pin = Pin(Address(path, relative), digest("sha512", text or path))
    return PackageEntry(f"node_modules/{name}", name, "1.0.0", pin)


def content(*entries: AnyEntry, registry: str | None = None) -> NodePackages:
    return NodePackages("package-lock.json", "0" * 64, 3, registry=registry, entries=entries)


def test_each_tarball_is_named_once_and_what_is_none_not_at_all(config: RegistryConfig) -> None:
    model = content(
        entry("a", "a.tgz"),
        replace(entry("b", "a.tgz"), version=None),
        replace(entry("c", "https://h.example/c.tgz?a&b", relative=False), version=None),
        entry("d", "d/a.tgz"),
        PackageEntry("node_modules/f", "f", "1", LocalPin("f.tgz", digest("sha256", "f"))),
        PackageEntry("node_modules/g", "g", "1", GitPin(TREE, digest("sha256", "g"), False, True)),
        Link("node_modules/l", "l"),
        PackageEntry("node_modules/u", "u", "1", Unfilled()),
        registry="https://r.example/",
    )
    model = replace(model, prepared={TREE: (entry("p", "p.tgz"), entry("a", "a.tgz"))})
    found = tarballs_of(model, config)
    assert [(one.label, one.install_path, one.name) for one in found] == [
        ("a@1.0.0", "node_modules/a", "a.tgz"),
        ("c", "node_modules/c", "c.tgz"),
        ("d@1.0.0", "node_modules/d", "a.tgz"),
        ("p@1.0.0", f"{TREE} node_modules/p", "p.tgz"),
    ]
    for one in found:
        assert one.registry == "https://r.example/"
        assert one.config is config
    assert found[0].sha512 == digest("sha512", "a.tgz")
    assert found[0].address == Address("a.tgz", relative=True)
    failure = Failure("u", "r", "h")
    assert found[0].failed(failure) == Failed("a@1.0.0", "node_modules/a", failure)


def test_a_relative_address_is_below_the_registry_that_counts(home: Path) -> None:
    def url(path: str, relative: bool, registry: str | None, forced: str | None) -> str:
        config = load_registry_config(home, environment={}, registry=forced)
        (one,) = tarballs_of(
            content(entry("a", path, relative=relative), registry=registry), config
        )
        return one.url()

    whole = "https://h.example/a.tgz"
    assert url(whole, False, None, "https://forced.example/") == whole
    assert url("a.tgz", True, "https://r.example/", None) == "https://r.example/a.tgz"
    forced = "https://forced.example/"
    assert url("a.tgz", True, "https://r.example/", forced) == "https://forced.example/a.tgz"
    assert url("a.tgz", True, None, forced) == "https://forced.example/a.tgz"


def served(registry: Registry, config: RegistryConfig, *names: str) -> list[PinnedTarball]:
    """The tarballs of packages that a registry has."""
    entries = []
    for name in names:
        data = registry.publish(name)
        pin = Pin(Address(f"{name}/-/{name}-1.0.0.tgz", relative=True), sha512(data))
        entries.append(PackageEntry(f"node_modules/{name}", name, "1.0.0", pin))
    return tarballs_of(content(*entries, registry=registry.base), config)


def test_what_the_cache_lacks_is_fetched_once(
    cache: Cache, config: RegistryConfig, registry: Registry
) -> None:
    tarballs = served(registry, config, "a", "b")
    told: list[tuple[str, int]] = []
    steps: list[tuple[int, int]] = []

    def progress(total: int) -> object:
        told.append(("total", total))
        return lambda items, size: steps.append((items, size))

    twice = [*tarballs, replace(tarballs[0], name="other.tgz")]
    summary = fetch_missing(twice, cache, OPTIONS, progress=progress)  # type: ignore[arg-type]
    assert (summary.packages, summary.fetched) == (2, 2)
    assert summary.fetched_bytes == sum(cache.path(one.sha512).stat().st_size for one in tarballs)
    assert 0 < summary.seconds < 60
    assert told == [("total", 2)]
    assert sum(items for items, _ in steps) == 2
    assert sorted(registry.paths()) == ["/a/-/a-1.0.0.tgz", "/b/-/b-1.0.0.tgz"]
    again = fetch_missing(twice, cache, OPTIONS, offline=True)
    assert (again.packages, again.fetched, again.fetched_bytes) == (2, 0, 0)
    assert len(registry.requests) == 2
    assert fixed_files(twice, cache) == [
        FixedFile("a-1.0.0.tgz", cache.path(tarballs[0].sha512), tarballs[0].sha512),
        FixedFile("b-1.0.0.tgz", cache.path(tarballs[1].sha512), tarballs[1].sha512),
        FixedFile("other.tgz", cache.path(tarballs[0].sha512), tarballs[0].sha512),
    ]
    assert len(fixed_files([*twice, *twice], cache)) == 3


def test_another_address_of_the_same_content_is_tried(
    cache: Cache, config: RegistryConfig, registry: Registry
) -> None:
    (one,) = served(registry, config, "a")
    gone = replace(one, address=Address("gone.tgz", relative=True))
    assert fetch_missing([gone, one], cache, OPTIONS).fetched == 1
    assert cache.has(one.sha512)


def test_all_that_fail_are_told(cache: Cache, config: RegistryConfig, registry: Registry) -> None:
    good, bad = served(registry, config, "a", "b")
    wrong = replace(bad, sha512=digest("sha512", "other"))
    gone = replace(bad, sha512=digest("sha512", "x"), address=Address("x.tgz", relative=True))
    with pytest.raises(FetchError, match="2 packages of 3 could not be fetched") as caught:
        fetch_missing([good, wrong, gone], cache, OPTIONS)
    assert {item["url"] for item in caught.value.details} == {
        f"{registry.base}b/-/b-1.0.0.tgz",
        f"{registry.base}x.tgz",
    }
    assert cache.has(good.sha512)


def test_without_a_connection_what_is_missing_is_a_failure(
    cache: Cache, config: RegistryConfig, registry: Registry
) -> None:
    tarballs = served(registry, config, "a", "b")
    fetch_missing(tarballs[:1], cache, OPTIONS)
    with pytest.raises(FetchError, match="1 package of 2") as caught:
        fetch_missing(tarballs, cache, OPTIONS, offline=True)
    assert "b@1.0.0 (node_modules/b): not in the download cache" in caught.value.what
    assert "run it without --offline" in caught.value.hint
    assert len(registry.requests) == 1
