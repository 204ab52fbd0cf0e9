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
    LocalDirectory,
    LocalTarball,
    Missing,
    Package,
    RegistryTarball,
    UrlTarball,
)
from npm2nixlite.lock.parse import parse_lock, read_lock
from tests.support.projects import ROOT
from tests.support.tarballs import sri

HASH = sri(b"x")


def entries(packages: dict[str, Any], **top: object) -> dict[str, Package | Link]:
    content = {"lockfileVersion": 3, "packages": packages, **top}
    lock = parse_lock(json.dumps(content).encode(), "package-lock.json")
    return {entry.install_path: entry for entry in lock.entries}


def package(entry: dict[str, Any], path: str = "node_modules/a") -> Package:
    parsed = entries({path: entry})[path]
    assert isinstance(parsed, Package)
    return parsed


def test_an_entry_is_read_with_everything_npm_writes() -> None:
    parsed = package(
        {
            "version": "1.2.3",
            "integrity": HASH,
            "dev": True,
            "optional": True,
            "devOptional": True,
            "peer": True,
            "hasInstallScript": True,
            "os": ["linux", "!win32"],
            "cpu": ["x64"],
            "libc": "glibc",
            "engines": {"node": ">=18"},
            "bin": "cli.js",
        },
        "node_modules/@s/a",
    )
    assert parsed.name == "@s/a"
    assert parsed.version == "1.2.3"
    assert parsed.source == RegistryTarball("@s/a", "1.2.3")
    assert [str(integrity) for integrity in parsed.integrities] == [HASH]
    assert parsed.dev
    assert parsed.optional
    assert parsed.dev_optional
    assert parsed.peer
    assert parsed.has_install_script
    assert parsed.os == ("linux", "!win32")
    assert parsed.cpu == ("x64",)
    assert parsed.libc == ("glibc",)
    assert parsed.engines == {"node": ">=18"}
    assert parsed.bin == {"a": "cli.js"}


def test_the_last_component_names_the_package_and_an_alias_has_a_name_of_its_own() -> None:
    path = "node_modules/a/node_modules/b-alias"
    parsed = package({"name": "@s/b", "version": "2.0.0", "integrity": HASH}, path)
    assert parsed.source == RegistryTarball("@s/b", "2.0.0")


@pytest.mark.parametrize(
    ("resolved", "source"),
    [
        (
            "https://registry.example/a/-/a-1.0.0.tgz",
            RegistryTarball("a", "1.0.0", "https://registry.example/", "a/-/a-1.0.0.tgz"),
        ),
        (
            "http://registry.example:8080/npm/a/-/odd.tgz",
            RegistryTarball("a", "1.0.0", "http://registry.example:8080/npm/", "a/-/odd.tgz"),
        ),
        (
            "https://registry.example/a/-/a-1.0.0.tgz?x=1",
            UrlTarball("https://registry.example/a/-/a-1.0.0.tgz?x=1"),
        ),
        (
            "https://registry.example/b/-/b-1.0.0.tgz",
            UrlTarball("https://registry.example/b/-/b-1.0.0.tgz"),
        ),
        ("https://files.example/a.tgz#frag", UrlTarball("https://files.example/a.tgz")),
        ("git+ssh://git@forge.example/a/b.git#c0ffee", "git"),
        ("git+https://token@forge.example/a/b.git#c0ffee", "git"),
        ("github:a/b#c0ffee", "git"),
        ("file:vendor/a.tgz", LocalTarball("vendor/a.tgz")),
        ("file:./vendor/a", LocalDirectory("vendor/a")),
        ("file:../a", LocalDirectory("../a")),
    ],
)
def test_the_address_tells_the_source(resolved: str, source: object) -> None:
    parsed = package({"version": "1.0.0", "resolved": resolved}).source
    if source == "git":
        assert isinstance(parsed, GitRevision)
        assert "token" not in parsed.url
    else:
        assert parsed == source


def test_a_scoped_registry_address_is_known_in_both_spellings() -> None:
    for spelling in ("@s/a", "@s%2fa"):
        resolved = f"https://registry.example/npm/{spelling}/-/a-1.0.0.tgz"
        parsed = package({"version": "1.0.0", "resolved": resolved}, "node_modules/@s/a").source
        path = f"{spelling}/-/a-1.0.0.tgz"
        assert parsed == RegistryTarball("@s/a", "1.0.0", "https://registry.example/npm/", path)


def test_a_bundled_package_comes_with_its_parent_unless_the_root_bundles_it() -> None:
    nested = "node_modules/a/node_modules/b"
    assert package({"version": "1.0.0", "inBundle": True}, nested).source == Bundled()
    of_root = package({"version": "1.0.0", "inBundle": True, "integrity": HASH})
    assert of_root.source == RegistryTarball("a", "1.0.0")


def test_an_optional_entry_without_a_version_is_missing() -> None:
    assert package({"optional": True}).source == Missing()


def test_extraneous_entries_are_left_out_as_npm_prunes_them() -> None:
    assert entries({"../elsewhere": {"version": "1.0.0", "extraneous": True}}) == {}


def test_links_lead_to_entries_of_the_lock_inside_the_project_or_beside_it() -> None:
    parsed = entries(
        {
            "node_modules/a": {"link": True, "resolved": "packages/a"},
            "packages/a": {"name": "a", "version": "1.0.0"},
            "node_modules/b": {"link": True, "resolved": "../b"},
            "../b": {},
            "../b/node_modules/c": {"version": "1.0.0", "integrity": HASH},
            "node_modules/self": {"link": True, "resolved": ""},
        }
    )
    assert parsed["node_modules/a"] == Link("node_modules/a", "packages/a")
    directory = parsed["packages/a"]
    assert isinstance(directory, Package)
    assert directory.source == LocalDirectory("packages/a")
    assert parsed["node_modules/self"] == Link("node_modules/self", "")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "entry of a wrong type": ({"node_modules/a": []}, "expected an object"),
    "version of a wrong type": ({"node_modules/a": {"version": 1}}, "'version' is a number"),
    "flag of a wrong type": ({"node_modules/a": {"version": "1.0.0", "dev": "yes"}}, "'dev'"),
    "integrity of a wrong type": (
        {"node_modules/a": {"version": "1.0.0", "integrity": ["x"]}},
        "'integrity' is a list",
    ),
    "os of a wrong type": ({"node_modules/a": {"version": "1.0.0", "os": [1]}}, "'os'"),
    "malformed SRI": (
        {"node_modules/a": {"version": "1.0.0", "integrity": "sha512-x"}},
        "malformed integrity",
    ),
    "climbs out": ({"node_modules/../../etc": {"version": "1.0.0"}}, "climbs out"),
    "leads out": ({"../etc/node_modules/a": {"version": "1.0.0"}}, "climbs out"),
    "absolute": ({"/etc/node_modules/a": {"version": "1.0.0"}}, "absolute"),
    "drive letter": ({"C:/node_modules/a": {"version": "1.0.0"}}, "absolute"),
    "backslash": ({"node_modules\\a": {"version": "1.0.0"}}, "backslash"),
    "NUL": ({"node_modules/a\0b": {"version": "1.0.0"}}, "control character"),
    "newline": ({"node_modules/a\nb": {"version": "1.0.0"}}, "control character"),
    "empty component": ({"node_modules//a": {"version": "1.0.0"}}, "not normal"),
    "hidden name": ({"node_modules/.bin": {"version": "1.0.0"}}, "does not end with"),
    "name with a slash too many": ({"node_modules/a/b": {"version": "1.0.0"}}, "does not end"),
    "name that injects": ({"node_modules/a${x}": {"version": "1.0.0"}}, "no package name"),
    "alias that injects": (
        {"node_modules/a": {"version": "1.0.0", "name": "../../x"}},
        "no package name",
    ),
    "other scheme": (
        {"node_modules/a": {"version": "1.0.0", "resolved": "ftp://h.example/a.tgz"}},
        "of no kind npm writes",
    ),
    "credentials": (
        {"node_modules/a": {"version": "1.0.0", "resolved": "https://u:p@h.example/a.tgz"}},
        "carries credentials",
    ),
    "address with a quote": (
        {"node_modules/a": {"version": "1.0.0", "resolved": 'https://h.example/"${x}".tgz'}},
        "malformed address",
    ),
    "address with a bad port": (
        {"node_modules/a": {"version": "1.0.0", "resolved": "https://h.example:x/a.tgz"}},
        "malformed address",
    ),
    "link to nowhere": ({"node_modules/a": {"link": True, "resolved": "b"}}, "not in the lock"),
    "link that climbs": (
        {"node_modules/a": {"link": True, "resolved": "b/../../c"}},
        "climbs out",
    ),
    "link without target": ({"node_modules/a": {"link": True}}, "names no target"),
    "half a surrogate pair": ({"node_modules/a": {"version": "\ud800"}}, "surrogate"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_entry_that_cannot_be_meant_is_refused_with_file_and_install_path(case: str) -> None:
    packages, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        entries(packages)
    assert caught.value.where[0] == "package-lock.json"
    assert len(caught.value.where) > 1
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"lockfileVersion": 3, "packages": {', "not JSON"),
        (b"", "not JSON"),
        (b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "expected an object, found a list"),
        (b"{}", "no lockfileVersion"),
        (b'{"name": "x"}', "no lockfileVersion"),
        (b'{"lockfileVersion": 4, "packages": {}}', "unknown lockfileVersion 4"),
        (b'{"lockfileVersion": "3", "packages": {}}', "unknown lockfileVersion '3'"),
        (b'{"lockfileVersion": true, "packages": {}}', "unknown lockfileVersion True"),
        (b'{"lockfileVersion": 3, "packages": []}', "expected an object"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_a_file_that_is_no_lock_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_lock(content, "some/package-lock.json")
    assert caught.value.where[0] == "some/package-lock.json"


def test_conflict_markers_are_named() -> None:
    content = b'{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> branch\n}'
    with pytest.raises(InputError) as caught:
        parse_lock(content, "package-lock.json")
    assert "conflict markers" in caught.value.hint


def test_a_byte_order_mark_is_no_error() -> None:
    lock = parse_lock(b'\xef\xbb\xbf{"lockfileVersion": 3, "packages": {}}', "package-lock.json")
    assert lock.entries == ()


def test_a_version_2_lock_is_read_from_packages() -> None:
    parsed = entries(
        {"node_modules/a": {"version": "1.0.0"}},
        lockfileVersion=2,
        dependencies={"b": {"version": "1.0.0"}},
    )
    assert list(parsed) == ["node_modules/a"]


def test_the_shrinkwrap_wins() -> None:
    lock = find_lock(ROOT / "fixtures/shrinkwrap")
    assert lock.name == "npm-shrinkwrap.json"
    assert read_lock(lock).sha256 != read_lock(lock.with_name("package-lock.json")).sha256


def test_a_missing_project_and_a_directory_without_a_lock_are_told_apart() -> None:
    with pytest.raises(InputError, match="no such project"):
        find_lock(ROOT / "fixtures/nowhere")
    with pytest.raises(InputError, match="no lock"):
        find_lock(ROOT / "fixtures")


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in (ROOT / "fixtures").glob("*/package-lock.json"))
)
def test_every_fixture_is_read(name: str) -> None:
    lock = read_lock(find_lock(ROOT / "fixtures" / name))
    assert lock.project_name
    assert lock.entries
