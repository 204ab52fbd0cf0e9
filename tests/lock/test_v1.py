from __future__ import annotations

import json
from typing import Any

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.model import (
    Bundled,
    GitRevision,
    Link,
    LocalTarball,
    Package,
    RegistryTarball,
    UrlTarball,
)
from npm2nixlite.lock.parse import parse_lock, read_lock
from tests.support.projects import ROOT
from tests.support.tarballs import sri

HASH = sri(b"x")


def entries(dependencies: dict[str, Any], **top: object) -> dict[str, Package | Link]:
    content = {"lockfileVersion": 1, "requires": True, "dependencies": dependencies, **top}
    lock = parse_lock(json.dumps(content).encode(), "package-lock.json")
    return {entry.install_path: entry for entry in lock.entries}


def source(version: str, **fields: object) -> object:
    entry = entries({"a": {"version": version, **fields}})["node_modules/a"]
    assert isinstance(entry, Package)
    return entry.source


def test_nesting_gives_install_paths() -> None:
    leaf = {"version": "3.0.0", "integrity": HASH}
    middle = {"version": "2.0.0", "integrity": HASH, "dependencies": {"@s/c": leaf}}
    parsed = entries({"a": {"version": "1.0.0", "integrity": HASH, "dependencies": {"b": middle}}})
    assert list(parsed) == [
        "node_modules/a",
        "node_modules/a/node_modules/b",
        "node_modules/a/node_modules/b/node_modules/@s/c",
    ]


def test_the_version_field_tells_the_source() -> None:
    assert source("1.0.0", integrity=HASH) == RegistryTarball("a", "1.0.0")
    assert source("npm:@s/b@2.0.0", integrity=HASH) == RegistryTarball("@s/b", "2.0.0")
    assert source("npm:b@2.0.0-rc.1", integrity=HASH) == RegistryTarball("b", "2.0.0-rc.1")
    assert source("https://files.example/a.tgz") == UrlTarball("https://files.example/a.tgz")
    assert source("file:vendor/a-1.0.0.tgz") == LocalTarball("vendor/a-1.0.0.tgz")
    assert isinstance(source("git+ssh://git@forge.example/a/b.git#c0ffee"), GitRevision)
    assert isinstance(source("github:a/b#c0ffee"), GitRevision)
    assert isinstance(source("a/b#c0ffee"), GitRevision)


def test_resolved_gives_the_registry_base() -> None:
    parsed = source("1.0.0", resolved="https://registry.example/a/-/a-1.0.0.tgz", integrity=HASH)
    base = "https://registry.example/"
    assert parsed == RegistryTarball("a", "1.0.0", base, "a/-/a-1.0.0.tgz")


def test_a_bundled_dependency_comes_with_its_parent() -> None:
    inner = {"version": "1.0.0", "bundled": True}
    parsed = entries({"a": {"version": "1.0.0", "integrity": HASH, "dependencies": {"b": inner}}})
    bundled = parsed["node_modules/a/node_modules/b"]
    assert isinstance(bundled, Package)
    assert bundled.source == Bundled()
    assert bundled.in_bundle


def test_a_local_directory_is_a_link_and_what_is_nested_stands_in_its_target() -> None:
    inner = {"version": "1.0.0", "integrity": HASH}
    parsed = entries({"a": {"version": "file:./libs/a", "dependencies": {"b": inner}}})
    assert list(parsed) == ["libs/a", "libs/a/node_modules/b", "node_modules/a"]
    assert parsed["node_modules/a"] == Link("node_modules/a", "libs/a")


def test_flags_and_a_false_address_are_understood() -> None:
    fields = {"version": "1.0.0", "dev": True, "optional": True, "resolved": False}
    parsed = entries({"a": {**fields, "integrity": HASH}})["node_modules/a"]
    assert isinstance(parsed, Package)
    assert parsed.dev
    assert parsed.optional
    assert parsed.source == RegistryTarball("a", "1.0.0")


def test_a_shrinkwrap_older_than_lockfile_versions_is_version_1() -> None:
    content = {"name": "x", "dependencies": {"a": {"version": "1.0.0"}}}
    assert parse_lock(json.dumps(content).encode(), "npm-shrinkwrap.json").version == 1


@pytest.mark.parametrize(
    ("dependencies", "message"),
    [
        ({"a": "1.0.0"}, "expected an object"),
        ({"a": {"version": "file:/etc"}}, "absolute"),
        ({"../a": {"version": "1.0.0"}}, "climbs out|not normal"),
        ({"a": {"version": "1.0.0", "dependencies": []}}, "expected an object"),
    ],
)
def test_bad_dependencies_are_refused(dependencies: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        entries(dependencies)
    assert caught.value.where[0] == "package-lock.json"


def test_one_resolution_gives_the_same_packages_in_all_three_versions() -> None:
    def content(name: str) -> dict[str, tuple[object, ...]]:
        lock = read_lock(find_lock(ROOT / "fixtures" / name))
        return {
            package.install_path: (package.name, package.version, package.integrities)
            for package in lock.packages
            if "node_modules/" in package.install_path
        }

    newest = content("explorer-backend")
    assert len(newest) > 500
    assert content("explorer-backend-v2") == newest
    assert content("explorer-backend-v1") == newest
