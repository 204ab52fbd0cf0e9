"""Packages as odd as npm allows, installed by npm and assembled by us: the trees must be equal."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.generate import GenerateOptions
from npm2nixlite.verify.verify import Verification, verify
from tests.support.archives import Member, package
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.npm

SCRIPT = b"#!/usr/bin/env node\r\nconsole.log('caf\xe9 \xff')\r\n"


class Project:
    """A project under construction, whose packages a loopback registry serves."""

    def __init__(self, directory: Path, registry: Registry) -> None:
        self.directory = directory
        self.registry = registry
        self.manifest: dict[str, Any] = {"name": "project", "version": "1.0.0"}
        self.entries: dict[str, dict[str, Any]] = {}
        directory.mkdir()

    def add(self, path: str, data: bytes, **fields: Any) -> None:
        """An install path, and the tarball that fills it."""
        address = f"{fields.get('name', path.rpartition('node_modules/')[2])}/-/{len(data)}-1.tgz"
        self.registry.answers[f"/{address}"] = Answer(body=data)
        self.entries[path] = {
            "version": "1.0.0",
            "resolved": self.registry.base + address,
            "integrity": sri(data),
            **fields,
        }

    def verify(self, *omit: str, indent: str | int = 2) -> Verification:
        (self.directory / "package.json").write_text(json.dumps(self.manifest, indent=indent))
        lock: dict[str, Any] = {"lockfileVersion": 3, "requires": True}
        lock |= {"name": "project", "version": "1.0.0"}
        packages = {"": self.manifest, **self.entries}
        (self.directory / "package-lock.json").write_text(
            json.dumps({**lock, "packages": packages}, indent=2)
        )
        return verify(
            self.directory,
            Cache(self.directory.parent / "cache"),
            GenerateOptions(fetch=FetchOptions(), registry=self.registry.base),
            frozenset(omit),
        )


@pytest.fixture
def project(tmp_path: Path, registry: Registry) -> Project:
    return Project(tmp_path / "project", registry)


def assert_equal(found: Verification) -> None:
    assert not found.differences, [*map(str, found.differences)]
    assert found.entries > 2


def test_files_modes_ignores_links_and_names(project: Project) -> None:
    data = package(
        "odd",
        Member("package/exec", b"x", mode=0o711),
        Member("package/private", b"x", mode=0o600),
        Member("package/.gitignore", b"git"),
        Member("package/a/.npmignore", b"npm"),
        Member("package/a/.gitignore", b"git"),
        Member("package/b/.gitignore", b"git"),
        Member("package/b/.npmignore", b"npm"),
        Member("package/link", type=tarfile.SYMTYPE, link="exec"),
        Member("package/hard", type=tarfile.LNKTYPE, link="package/exec"),
        Member("package/empty", type=tarfile.DIRTYPE, mode=0o700),
        Member("package/twice", b"first, longer", mode=0o755),
        Member("package/twice", b"last"),
        Member("package/slash/", b"", type=tarfile.REGTYPE),
        Member("package//double", b"x"),
        Member("./package/dotted", b"x"),
        Member("other/" + "é" * 80 + "/ü", b"x"),
        Member("package/" + "long/" * 40 + "f", b"x"),
        Member("package/Icon\r", b"x"),
        Member("alone", b"x"),
    )
    project.manifest["dependencies"] = {"odd": "1.0.0"}
    project.add("node_modules/odd", data)
    assert_equal(project.verify())


def test_commands_of_every_form(project: Project) -> None:
    """The lock's ``bin`` counts, not the package's; targets and names are cleaned."""
    project.manifest["dependencies"] = {"@s/a": "1.0.0", "b": "1.0.0", "c": "1.0.0"}
    project.add(
        "node_modules/@s/a",
        package("@s/a", Member("package/x.js", SCRIPT), Member("package/d/y", b"#!/bin/sh\n")),
        bin={"one": "x.js", "../two": "./d/y", "d/three": "/../d/y", "gone": "no.js", "dir": "d"},
    )
    project.add("node_modules/b", package("b", Member("package/x", SCRIPT)), bin={"one": "x"})
    project.add("node_modules/c", package("c", Member("package/x", SCRIPT), bin="x"))
    assert_equal(project.verify())


def test_who_wins_a_command(project: Project) -> None:
    """The shallower, then the first by name, even where its file is missing."""
    project.manifest["dependencies"] = {"B": "1.0.0", "a": "1.0.0"}
    file = Member("package/x", SCRIPT)
    project.add("node_modules/B", package("B", file), bin={"same": "x", "lost": "x"})
    project.add(
        "node_modules/a",
        package("a", file, dependencies={"c": "1.0.0", "d": "1.0.0"}),
        bin={"same": "x", "lost": "missing"},
        dependencies={"c": "1.0.0", "d": "1.0.0"},
    )
    nested = "node_modules/a/node_modules"
    project.add(f"{nested}/c", package("c", file), bin={"same": "x"})
    project.add(f"{nested}/d", package("d", file), bin={"same": "x", "other": "x"})
    assert_equal(project.verify())


def test_bundled_packages_stay_as_their_tarball_has_them(project: Project) -> None:
    inner = json.dumps({"name": "i", "version": "3.0.0", "bin": "i.js", "license": "ISC"}).encode()
    deep = json.dumps({"name": "j", "version": "1.0.0", "funding": "https://x.example"}).encode()
    data = package(
        "outer",
        Member("package/node_modules/i/package.json", inner),
        Member("package/node_modules/i/i.js", SCRIPT),
        Member("package/node_modules/i/node_modules/j/package.json", deep),
        Member("package/node_modules/.bin/i", b"in the way"),
        bundleDependencies=["i"],
        dependencies={"i": "*"},
    )
    project.manifest["dependencies"] = {"outer": "1.0.0"}
    project.add("node_modules/outer", data, bundleDependencies=["i"], dependencies={"i": "*"})
    project.entries["node_modules/outer/node_modules/i"] = {"version": "3.0.0", "inBundle": True}
    assert_equal(project.verify())


def test_optional_packages_that_do_not_fit_go_with_what_only_they_need(project: Project) -> None:
    needs = {"only": "1.0.0", "shared": "1.0.0"}
    project.manifest["optionalDependencies"] = {
        "mac": "1.0.0", "old": "1.0.0", "musl": "1.0.0", "fits": "1.0.0"
    }  # fmt: skip
    project.manifest["dependencies"] = {"shared": "1.0.0"}
    project.add(
        "node_modules/mac",
        package("mac"),
        optional=True,
        os=["darwin", "!linux"],
        dependencies=needs,
    )
    project.add("node_modules/old", package("old"), optional=True, engines={"node": "<10"})
    project.add("node_modules/musl", package("musl"), optional=True, os=["linux"], libc=["musl"])
    project.add("node_modules/fits", package("fits"), optional=True, os=["!win32"], cpu=["any"])
    project.add("node_modules/only", package("only"), optional=True)
    project.add("node_modules/shared", package("shared"))
    found = project.verify()
    assert_equal(found)


@pytest.mark.parametrize(
    "omit", [(), ("dev",), ("optional",), ("peer",), ("dev", "optional")], ids=str
)
def test_groups_are_worked_out_afresh(project: Project, omit: tuple[str, ...]) -> None:
    """The lock's flags are all wrong, and one package is needed by nobody."""
    project.manifest["dependencies"] = {"a": "1.0.0"}
    project.manifest["devDependencies"] = {"d": "1.0.0"}
    project.manifest["optionalDependencies"] = {"o": "1.0.0"}
    project.add(
        "node_modules/a", package("a"), dev=True, peerDependencies={"p": "*", "q": "*"},
        peerDependenciesMeta={"q": {"optional": True}},
    )  # fmt: skip
    project.add("node_modules/d", package("d"), dependencies={"both": "1.0.0"})
    project.add("node_modules/o", package("o"), dev=True, dependencies={"both": "1.0.0"})
    project.add("node_modules/both", package("both"))
    project.add("node_modules/p", package("p"))
    project.add("node_modules/q", package("q"))
    project.add("node_modules/useless", package("useless"))
    assert_equal(project.verify(*omit))


@pytest.mark.parametrize("indent", [4, "\t", 0])
def test_npms_notes_are_indented_as_package_json_is(project: Project, indent: str | int) -> None:
    project.manifest["dependencies"] = {"a": "1.0.0", "alias": "npm:a@1.0.0"}
    fields = {"license": "MIT", "funding": {"url": "https://x.example"}, "engines": {"node": "*"}}
    project.add("node_modules/a", package("a"), **fields)
    project.add("node_modules/alias", package("a"), name="a", **fields)
    assert_equal(project.verify(indent=indent))


def test_workspaces_and_what_is_nested_in_them(project: Project) -> None:
    project.manifest["workspaces"] = ["packages/*"]
    project.manifest["dependencies"] = {"a": "1.0.0"}
    workspace = {
        "name": "@w/one",
        "version": "2.0.0",
        "bin": {"one": "one.js"},
        "dependencies": {"a": "2.0.0"},
        "devDependencies": {"b": "1.0.0"},
    }
    directory = project.directory / "packages/one"
    directory.mkdir(parents=True)
    (directory / "package.json").write_text(json.dumps(workspace))
    (directory / "one.js").write_bytes(SCRIPT)
    project.add("node_modules/a", package("a"))
    project.entries["node_modules/@w/one"] = {"resolved": "packages/one", "link": True}
    project.entries["packages/one"] = workspace
    project.add(
        "packages/one/node_modules/a",
        package("a", Member("package/x", SCRIPT), version="2.0.0"),
        version="2.0.0",
        bin={"a": "x"},
    )
    project.add("node_modules/b", package("b"), dev=True)
    assert_equal(project.verify())
    assert_equal(project.verify("dev"))


def test_a_difference_is_found_and_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What verify says where the assembler is wrong: here, with its mending switched off."""
    monkeypatch.setattr("npm2nixlite.assemble.bins.mend", lambda _file: None)
    project.manifest["dependencies"] = {"a": "1.0.0"}
    project.add("node_modules/a", package("a", Member("package/x", SCRIPT)), bin={"a": "x"})
    found = {one.aspect for one in project.verify().differences}
    assert found == {"mode", "bytes"}
