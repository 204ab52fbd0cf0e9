"""npm's notes, beside the installed npm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.archives import Member, package
from tests.support.npm_projects import NpmProject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.npm


def shrinkwrapped(project: NpmProject, version: int) -> None:
    """A package with a lock of its own, whose dependency has commands and a licence."""
    command = Member("package/run.js", b"#!/usr/bin/env node\n")
    project.manifest["dependencies"] = {"outer": "1.0.0"}
    about: dict[str, Any] = {"bin": {"run": "run.js"}, "license": "ISC", "engines": {"node": ">=1"}}
    inner = project.add("node_modules/outer/node_modules/inner", package("inner", command), **about)
    root = {"name": "outer", "version": "1.0.0", "dependencies": {"inner": "1.0.0"}}
    lock: dict[str, Any] = {"name": "outer", "version": "1.0.0", "lockfileVersion": version}
    if version == 1:
        known = {key: inner[key] for key in ("version", "resolved", "integrity")}
        lock["dependencies"] = {"inner": known}
    else:
        lock["packages"] = {"": root, "node_modules/inner": inner}
    data = package(
        "outer",
        Member("package/npm-shrinkwrap.json", json.dumps(lock).encode()),
        dependencies={"inner": "1.0.0"},
    )
    project.add("node_modules/outer", data, hasShrinkwrap=True, dependencies={"inner": "1.0.0"})
    # npm's order
    project.entries = dict(sorted(project.entries.items()))


@pytest.mark.parametrize("version", [1, 3])
def test_a_package_with_a_lock_of_its_own(tmp_path: Path, registry: Registry, version: int) -> None:
    project = NpmProject(tmp_path / "project", registry)
    shrinkwrapped(project, version)
    assert not project.differences()
