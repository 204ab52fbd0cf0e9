"""Arguments that cannot be what is meant: each is an evaluation error that says what to write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

GENERATED = """{ format = 1; name = "p"; version = null; lockHash = "sha256:0"; packages = {
  "node_modules/a" = { version = "1.0.0"; src = "/a"; }; }; }"""
PAGE = (ROOT / "docs/nix-library.md").read_text()
REFUSED = re.findall(
    r"^    (\w+) =", (ROOT / "nix/lib/refused-arguments.nix").read_text(), re.MULTILINE
)


def error(nix: Nix, builder: str, arguments: str) -> str:
    expression = f"""
      let npm = import {ROOT}/nix {{ pkgs = import {ROOT}/tests/nix/toolchain.nix {{ }}; }};
      in (npm.{builder} {{ {arguments} }}).drvPath"""
    done = nix.run("nix-instantiate", "--eval", "--strict", "--expr", expression, check=False)
    assert done.returncode, done.stdout
    return done.stderr


def build_error(nix: Nix, arguments: str) -> str:
    more = f'pname = "p"; version = "1"; src = {ROOT}/fixtures/groups;'
    return error(nix, "buildNpmProject", more + arguments)


@pytest.mark.parametrize("name", REFUSED)
def test_what_only_nixpkgs_builder_takes_says_what_to_write_instead(nix: Nix, name: str) -> None:
    said = build_error(nix, f'packages = {GENERATED}; {name} = "x";')
    assert f"buildNpmProject takes no {name}" in said
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("builder", ["build", "mk"])
def test_a_missing_generated_file_says_how_to_make_it(nix: Nix, builder: str) -> None:
    said = build_error(nix, "") if builder == "build" else error(nix, "mkNodeModules", "")
    assert "npm2nixlite generate" in said
    assert "packages = ./node-packages.nix" in said


@pytest.mark.parametrize("builder", ["build", "mk"])
def test_an_unknown_group_is_an_error_that_names_those_there_are(nix: Nix, builder: str) -> None:
    arguments = f'packages = {GENERATED}; omit = [ "dev" "development" ];'
    build = builder == "build"
    said = build_error(nix, arguments) if build else error(nix, "mkNodeModules", arguments)
    assert 'omit names "development"' in said
    assert '"optional"' in said


def test_a_patch_of_a_stranger_is_an_error_that_calls_the_argument_by_its_name(nix: Nix) -> None:
    said = build_error(nix, f"packages = {GENERATED}; packagePatches.nobody = ./x.patch;")
    assert 'packagePatches names "nobody"' in said


def test_a_linked_tree_of_a_workspace_project_is_an_error(nix: Nix) -> None:
    packages = """{ format = 1; name = "p"; version = null; lockHash = "sha256:0"; packages = {
      "node_modules/w" = { link = "w"; }; w = { directory = "w"; }; }; }"""
    assert "lead into the project" in build_error(
        nix, f"packages = {packages}; linkNodeModules = true;"
    )
