"""Bundled packages, beside the installed npm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.archives import Member, package
from tests.support.npm_projects import NpmProject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.npm


@pytest.fixture
def project(tmp_path: Path, registry: Registry) -> NpmProject:
    made = NpmProject(tmp_path / "project", registry)
    made.manifest["dependencies"] = {"outer": "1.0.0"}
    return made


def manifest(name: str, **fields: object) -> bytes:
    return json.dumps({"name": name, "version": "1.0.0", **fields}).encode()


def bundler(*members: Member) -> bytes:
    return package(
        "outer",
        Member("package/node_modules/i/package.json", manifest("i", bin="i.js")),
        Member("package/node_modules/i/i.js", b"#!/usr/bin/env node\n"),
        *members,
        bundleDependencies=["i"],
        dependencies={"i": "*", "j": "*"},
    )


def add(project: NpmProject, data: bytes) -> None:
    project.add(
        "node_modules/outer",
        data,
        bundleDependencies=["i"],
        dependencies={"i": "*", "j": "*"},
    )
    project.entries["node_modules/outer/node_modules/i"] = {"version": "1.0.0", "inBundle": True}
    project.add("node_modules/j", package("j"))


def test_a_package_in_the_tarball_that_is_not_bundled(project: NpmProject) -> None:
    """npm asks the registry for it anew, by its name and version."""
    inside = []
    for name in ("j", "k"):
        file = Member(f"package/{name}.js", b"#!/usr/bin/env node\n")
        data = package(name, file, bin=f"{name}.js")
        project.publish(name, data, {"name": name, "version": "1.0.0", "bin": f"{name}.js"})
        prefix = f"package/node_modules/{name}"
        inside.append(Member(f"{prefix}/package.json", manifest(name, bin=f"{name}.js")))
        inside.append(Member(f"{prefix}/{name}.js", b"#!/usr/bin/env node\n"))
    add(project, bundler(*inside))
    assert not project.differences()


def test_a_package_in_the_tarball_of_one_that_bundles_nothing(project: NpmProject) -> None:
    data = package("outer", Member("package/node_modules/k/package.json", manifest("k")))
    project.add("node_modules/outer", data)
    assert not project.differences()
