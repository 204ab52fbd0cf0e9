"""The drop-in for nixpkgs' own builder, with one that does what that does after its hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.archives import Member, package
from tests.support.nix_project import NixProject
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix
    from tests.support.registry import Registry

pytestmark = [pytest.mark.nix, pytest.mark.npm]

BUILDER = f"import {ROOT}/tests/nix/build-npm-package.nix {{ inherit (tools) stdenv nodejs; }}"
TWO_LINES = """
  npmDeps = npm.npmDeps { inherit packages lock; allowScripts = [ "native" ]; };
  npmConfigHook = npm.npmConfigHook;
"""


@pytest.fixture
def project(tmp_path: Path, nix: Nix, registry: Registry, home: Path) -> NixProject:
    made = NixProject(tmp_path / "project", nix, registry, home)
    tool = Member("package/tool.js", b"#!/usr/bin/env node\nconsole.log('compiled')\n")
    made.add(
        "node_modules/tool", package("tool", tool, bin="tool.js"), bin={"tool": "tool.js"}, dev=True
    )
    native = package("native", scripts={"install": "touch built"})
    made.add("node_modules/native", native, hasInstallScript=True)
    made.manifest |= {"scripts": {"build": "tool > dist.js"}, "files": ["dist.js"]}
    made.generate()
    return made


def test_an_existing_expression_moves_by_two_lines(project: NixProject) -> None:
    built = project.build(f'({BUILDER}) {{ pname = "p"; version = "1"; inherit src; {TWO_LINES} }}')
    root = built / "lib/node_modules/project"
    assert (root / "dist.js").read_text() == "compiled\n"
    assert (root / "node_modules/native/built").is_file()
    assert not (root / "node_modules/tool").exists()


def test_the_project_may_be_below_the_source(project: NixProject) -> None:
    built = project.build(
        f"""({BUILDER}) {{ pname = "p"; version = "1"; {TWO_LINES} npmRoot = "project";
          src = builtins.path {{ path = {project.directory}/..; name = "all";
            filter = path: _: builtins.match ".*/(nix|home)(/.*)?" path == null; }};
          preBuild = "cd project"; }}"""
    )
    assert (built / "lib/node_modules/project/dist.js").is_file()


def test_another_lock_in_the_source_is_an_error(project: NixProject) -> None:
    said = project.refused(
        f"""({BUILDER}) {{ pname = "p"; version = "1"; inherit src; {TWO_LINES}
          postPatch = "echo >> package-lock.json"; }}"""
    )
    assert "package-lock.json: this is not the lock that npmDeps is made from" in said


def test_without_npm_deps_it_says_what_to_write(project: NixProject) -> None:
    said = project.refused(
        f"""({BUILDER}) {{ pname = "p"; version = "1"; inherit src; npmDeps = "";
          npmConfigHook = npm.npmConfigHook; }}"""
    )
    assert "npmDeps = npm.npmDeps { packages = ./node-packages.nix;" in said
