"""The assembler's input: what it may say, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from npm2nixlite.assemble.manifest import (
    FromDirectory,
    FromNowhere,
    FromParent,
    FromTarball,
    FromTree,
    LinkTo,
    ManifestEntry,
    Origin,
    parse_manifest,
    read_manifest,
)
from npm2nixlite.errors import InputError


def parse(packages: object, **fields: object) -> Any:
    return parse_manifest({"packages": packages, **fields})


@pytest.mark.parametrize(
    ("entry", "origin", "fields"),
    [
        ({"tarball": "/a.tgz", "dev": True}, FromTarball("/a.tgz"), {"dev": True}),
        ({"tree": "/a", "version": "1.0.0"}, FromTree("/a"), {"version": "1.0.0"}),
        ({"directory": "/a", "name": "a"}, FromDirectory("/a"), {"name": "a"}),
        ({"link": "a"}, LinkTo("a"), {}),
        ({"link": ""}, LinkTo(""), {}),
        ({"inBundle": True}, FromParent(), {"inBundle": True}),
        (
            {"inBundle": True, "tarball": "/a.tgz"},
            FromTarball("/a.tgz"),
            {"inBundle": True},
        ),
        ({"version": "1.0.0"}, FromNowhere(), {"version": "1.0.0"}),
        ({}, FromNowhere(), {}),
    ],
)
def test_an_entry_comes_from_one_place(
    entry: dict[str, object], origin: Origin, fields: dict[str, object]
) -> None:
    manifest = parse({"node_modules/a": entry})
    assert manifest.packages == {"node_modules/a": ManifestEntry(origin, fields)}
    assert manifest.origin("node_modules/a") == origin
    assert manifest.origin("node_modules/b") == FromNowhere()
    local = origin.directory if isinstance(origin, FromDirectory) else None
    assert manifest.directory("node_modules/a") == local
    assert manifest.directory("node_modules/b") is None


def test_what_is_left_unsaid_has_a_default() -> None:
    manifest = parse({})
    assert (manifest.platform.os, manifest.platform.cpu) == ("linux", "x64")
    assert (manifest.platform.libc, manifest.platform.node, manifest.platform.npm) == (None,) * 3
    assert (manifest.omit, manifest.scripts, manifest.workspaces) == (frozenset(), (), ())
    assert (manifest.lock, manifest.package_json) == (None, None)


def test_all_that_is_said_is_taken() -> None:
    manifest = parse(
        {},
        omit=["dev", "peer"],
        os="darwin",
        cpu="arm64",
        libc="musl",
        node="20.0.0",
        npm="10.0.0",
        lock="/lock",
        packageJson="/package",
        scripts=["node_modules/a"],
        workspaces=["b"],
    )
    platform = manifest.platform
    assert (platform.os, platform.cpu, platform.libc) == ("darwin", "arm64", "musl")
    assert (platform.node, platform.npm) == ("20.0.0", "10.0.0")
    assert manifest.omit == {"dev", "peer"}
    assert (manifest.lock, manifest.package_json) == (Path("/lock"), Path("/package"))
    assert (manifest.scripts, manifest.workspaces) == (("node_modules/a",), ("b",))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "a manifest is an object"),
        ({}, "a manifest needs 'packages'"),
        ({"packages": []}, "a manifest needs 'packages'"),
        ({"packages": {"node_modules/a": 1}}, "node_modules/a: an entry is an object"),
        ({"packages": {"node_modules/a": {"tarball": 1}}}, "node_modules/a: 'tarball' is a string"),
        (
            {"packages": {"a": {"tarball": "/a", "link": "b"}}},
            "a: an entry has one of tarball, link",
        ),
        ({"packages": {"node_modules/../../a": {}}}, "no install path"),
        ({"packages": {"/a": {}}}, "no install path"),
        ({"packages": {"": {}}}, "no install path"),
        ({"packages": {"a/./b": {}}}, "no install path"),
        ({"packages": {}, "omit": ["production"]}, "unknown group in omit: production"),
        ({"packages": {}, "omit": "dev"}, "'omit' is a list of strings"),
        ({"packages": {}, "scripts": [1]}, "'scripts' is a list of strings"),
        ({"packages": {}, "lock": 1}, "'lock' is a string"),
    ],
)
def test_what_makes_no_sense_is_refused(value: object, told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_manifest(value)
    assert told in str(caught.value)


def test_a_target_may_stand_beside_the_project() -> None:
    assert "../a" in parse({"../a": {}, "../../b": {}}).packages


def test_a_manifest_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    with pytest.raises(InputError, match="no manifest"):
        read_manifest(file)
    file.write_text("{")
    with pytest.raises(InputError, match="no manifest"):
        read_manifest(file)
    file.write_text("{}")
    with pytest.raises(InputError) as caught:
        read_manifest(file)
    assert caught.value.where == (str(file),)
    file.write_text(json.dumps({"packages": {"a": {"link": "b"}}}))
    assert read_manifest(file).packages == {"a": ManifestEntry(LinkTo("b"))}
