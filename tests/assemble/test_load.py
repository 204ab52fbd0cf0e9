"""Locks of version 1, beside the installed npm."""

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
    return NpmProject(tmp_path / "project", registry, version=1)


def test_commands_that_a_directory_has(project: NpmProject) -> None:
    folders = {"bin": "commands"}
    data = package("a", Member("package/commands/run", b"#!/bin/sh\n"), directories=folders)
    project.manifest["dependencies"] = {"a": "1.0.0"}
    project.add("a", data)
    # npm writes the commands out when it publishes
    about = {"name": "a", "version": "1.0.0", "bin": {"run": "commands/run"}}
    project.publish("a", data, about)
    assert not project.differences()


def test_a_local_directory_with_packages_of_its_own(project: NpmProject) -> None:
    local = project.directory / "local"
    local.mkdir()
    (local / "package.json").write_text(
        json.dumps({"name": "local", "version": "1.0.0", "dependencies": {"b": "1.0.0"}})
    )
    project.manifest["dependencies"] = {"local": "file:local"}
    data = package("b", Member("package/run.js", b"#!/usr/bin/env node\n"), bin="run.js")
    entry = project.add("b", data)
    project.publish("b", data, {"name": "b", "version": "1.0.0", "bin": "run.js"})
    project.entries = {"local": {"version": "file:local", "dependencies": {"b": entry}}}
    assert not project.differences()
