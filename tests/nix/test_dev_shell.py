"""The dev shell, entered with nix-shell: where its tree is, when it is new, and what stays."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.archives import Member, package
from tests.support.nix_project import HOST_TOOLS, NixProject
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = [pytest.mark.nix, pytest.mark.npm]

SAYS = b"#!/usr/bin/env node\nconsole.log('%s')\n"


@pytest.fixture
def project(tmp_path: Path, nix: Nix, registry: Registry, home: Path) -> NixProject:
    made = NixProject(tmp_path / "project", nix, registry, home)
    tool = Member("package/tool.js", SAYS % b"first")
    made.add("node_modules/tool", package("tool", tool, bin="tool.js"), bin={"tool": "tool.js"})
    made.add("w/node_modules/nested", package("nested"))
    made.entries["node_modules/w"] = {"resolved": "w", "link": True}
    made.entries["w"] = {
        "version": "1.0.0", "bin": {"w": "w.js"}, "dependencies": {"nested": "1.0.0"},
    }  # fmt: skip
    made.manifest["workspaces"] = ["w"]
    made.write("w/package.json", json.dumps({"name": "w", **made.entries["w"]}))
    made.write("w/w.js", (SAYS % b"workspace").decode()).chmod(0o755)
    made.generate()
    return made


def enter(
    project: NixProject, command: str, *, at: str = ".", arguments: str = ""
) -> subprocess.CompletedProcess[str]:
    expression = f"""
      (import {ROOT}/nix {{
        pkgs = import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }};
        registry = "{project.registry.base}";
      }}).mkDevShell {{
        packages = {project.directory}/node-packages.nix;
        lock = {project.directory}/package-lock.json;
        {arguments}
      }}"""
    return subprocess.run(
        ["nix-shell", *HOST_TOOLS, "--expr", expression, "--run", command],
        cwd=project.directory / at,
        env={**os.environ, **project.nix.environment, "NIX_BUILD_SHELL": "/bin/bash"},
        capture_output=True,
        text=True,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def number(path: Path) -> int:
    return path.stat().st_ino


@pytest.mark.parametrize("arguments", ["", "writable = true;"], ids=["linked", "writable"])
def test_every_tree_of_the_project_is_there_wherever_it_is_entered(
    project: NixProject, arguments: str
) -> None:
    run = "tool; w; node -p \"require('w/package.json').name\"; pwd"
    lines = said(enter(project, run, at="w", arguments=arguments)).splitlines()
    assert lines == ["first", "workspace", "w", str(project.directory / "w")]
    assert (project.directory / "w/node_modules/nested/package.json").is_file()
    assert (project.directory / "node_modules/w").resolve() == project.directory / "w"
    tool = project.directory / "node_modules/tool"
    assert tool.is_symlink() == (not arguments)
    (project.directory / "node_modules/.cache").mkdir()  # where tools keep what they like


def test_a_writable_tree_is_made_anew_when_the_lock_changes_and_not_otherwise(
    project: NixProject,
) -> None:
    arguments = "writable = true;"
    said(enter(project, "true", arguments=arguments))
    tool = project.directory / "node_modules/tool/tool.js"
    first = number(tool)
    tool.write_text((SAYS % b"changed").decode())
    assert said(enter(project, "tool", arguments=arguments)) == "changed\n"
    assert number(tool) == first
    project.write("another", "source")
    said(enter(project, "true", arguments=arguments))
    assert number(tool) == first
    second = Member("package/tool.js", SAYS % b"second")
    tool_package = package("tool", second, bin="tool.js")
    project.add("node_modules/tool", tool_package, bin={"tool": "tool.js"})
    del project.entries["w/node_modules/nested"]
    del project.entries["w"]["dependencies"]
    project.write("w/package.json", json.dumps({"name": "w", **project.entries["w"]}))
    project.generate()
    assert said(enter(project, "tool", arguments=arguments)) == "second\n"
    assert not (project.directory / "w/node_modules").exists()


@pytest.mark.parametrize("arguments", ["", "writable = true;"], ids=["linked", "writable"])
def test_what_a_user_has_put_there_stays(project: NixProject, arguments: str) -> None:
    own = project.write("node_modules/own/index.js", "own")
    done = enter(project, "true", arguments=arguments)
    assert "is not from this shell and stays" in done.stderr
    assert [path.name for path in (project.directory / "node_modules").iterdir()] == ["own"]
    own.unlink()
    own.parent.rmdir()
    (project.directory / "node_modules").rmdir()
    said(enter(project, "true", arguments=arguments))
    project.write("node_modules/added/index.js", "own")
    project.add("node_modules/more", package("more"))
    project.generate()
    done = enter(project, "true", arguments=arguments)
    assert "node_modules/added is not from this shell" in done.stderr
    assert (project.directory / "node_modules/added/index.js").read_text() == "own"


def test_a_tree_that_npm_has_changed_stays(project: NixProject) -> None:
    said(enter(project, "true", arguments="writable = true;"))
    project.write("node_modules/.package-lock.json", "{}")
    project.add("node_modules/more", package("more"))
    project.generate()
    done = enter(project, "true", arguments="writable = true;")
    assert "npm has changed" in done.stderr


def test_outside_of_a_project_it_says_where_to_enter(project: NixProject, tmp_path: Path) -> None:
    done = enter(project, "true", at="..")
    assert "there is no package-lock.json" in done.stderr
    assert "npmRoot" in done.stderr
    assert not (tmp_path / "node_modules").exists()
    done = enter(project, "tool", at="..", arguments='npmRoot = "project";')
    assert said(done) == "first\n"


def test_another_lock_is_told_of(project: NixProject) -> None:
    lock = project.directory / "package-lock.json"
    other = project.directory.parent / "other"
    other.mkdir()
    (other / "package-lock.json").write_text(lock.read_text() + "\n")
    done = enter(project, "tool", at="../other")
    assert "run 'npm2nixlite generate' again" in done.stderr
    assert said(done) == "first\n"
