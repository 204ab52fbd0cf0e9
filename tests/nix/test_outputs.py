"""What the flake and the overlay give, evaluated with a stand-in for nixpkgs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PKGS = HERE / "pkgs.nix"


# What the flake's outputs come to with the stand-in on all its systems.
OUTPUTS = f"""(import {ROOT}/flake.nix).outputs {{
  nixpkgs.legacyPackages = builtins.listToAttrs (map (system: {{
    name = system; value = import {HERE}/nixpkgs.nix {{ inherit system; }};
  }}) [ "aarch64-darwin" "aarch64-linux" "x86_64-darwin" "x86_64-linux" ]); }}"""


def test_flake_gives_packages_shells_modules_and_library(nix: Nix) -> None:
    found = nix.eval(
        f"""let
          outputs = {OUTPUTS};
          names = builtins.mapAttrs (_: builtins.attrNames);
          derivations = builtins.mapAttrs (_: package: package.drvPath);
        in {{
          packages = builtins.mapAttrs (_: derivations) outputs.packages;
          checks = names outputs.checks;
          shells = builtins.mapAttrs (_: derivations) outputs.devShells;
          modules = names {{ inherit (outputs) nixosModules flakeModules templates; }};
        }}"""
    )
    own = {"default", "npm2nixlite"}
    mempool = {"mempool-backend", "mempool-frontend", "mempool-rust-gbt"}
    for system, packages in found["packages"].items():
        assert set(packages) == (own | mempool if system.endswith("linux") else own)
        assert all(path.endswith(".drv") for path in packages.values())
        assert set(found["shells"][system]) == {"default", "mempool"}
    assert found["checks"]["aarch64-darwin"] == ["library", "npm2nixlite", "web-service"]
    assert "mempool-backend" in found["checks"]["aarch64-linux"]
    assert set(found["modules"]["nixosModules"]) == {
        *("default", "electrs", "mempool-backend", "mempool-frontend")
    }
    assert found["modules"]["flakeModules"] == ["default"]


def test_overlay_gives_what_the_flake_gives(nix: Nix) -> None:
    same = nix.eval(
        f"""let
          prev = import {PKGS};
          final = prev // import {ROOT}/nix/overlay.nix final prev;
          flake = {OUTPUTS};
          packages = removeAttrs flake.packages.x86_64-linux [ "default" ];
        in builtins.mapAttrs (name: package: package.drvPath == final.${{name}}.drvPath) packages"""
    )
    assert same
    assert all(same.values()), same


@pytest.mark.parametrize("shell", ["nix/shell.nix", "nix/mempool/shell.nix"])
def test_a_shell_evaluates(nix: Nix, shell: str) -> None:
    assert nix.eval(f"(import {ROOT}/{shell} {{ pkgs = import {PKGS}; }}).drvPath")


def test_the_package_says_what_it_is_and_has_tests(nix: Nix) -> None:
    found = nix.eval(
        f"""let package = (import {PKGS}).callPackage {ROOT}/nix/package.nix {{ }};
        in {{ inherit (package) meta; tests = builtins.attrNames package.tests; }}"""
    )
    assert found["meta"]["mainProgram"] == "npm2nixlite"
    assert {"description", "longDescription", "license", "platforms"} <= set(found["meta"])
    assert found["tests"] == ["library", "web-service"]


# Enough of nixpkgs' module system and of flake-parts for the module's own words.
FLAKE_MODULE = f"""(import {ROOT}/nix/flake-module.nix {{
    lib = {{
      mkOption = option: option;
      literalExpression = text: text;
      types = {{ raw = "raw"; lazyAttrsOf = _: "attrs"; submodule = options: options; }};
    }};
    flake-parts-lib.mkPerSystemOption = module: module;
  }}).options.perSystem"""


def test_the_flake_module_makes_a_package_and_a_shell_for_each_project(nix: Nix) -> None:
    fixture = ROOT / "fixtures/web-service"
    found = nix.eval(
        f"""let
          pkgs = import {PKGS};
          given = pkgs: config: {FLAKE_MODULE} {{ inherit pkgs config; }};
          declared = (given pkgs {{ }}).options.npm2nixlite;
          made = (given pkgs {{
            npm2nixlite = {{
              lib = declared.lib.default;
              projects.web-service = {{
                version = "1.0.0";
                src = {fixture};
                packages = {fixture}/node-packages.nix;
                lock = {fixture}/package-lock.json;
                localDependencies.greeting = {fixture}/greeting;
              }};
            }};
          }}).config;
        in {{
          packages = builtins.mapAttrs (_: one: one.drvPath) made.packages;
          shells = builtins.mapAttrs (_: one: one.drvPath) made.devShells;
        }}"""
    )
    assert list(found["packages"]) == list(found["shells"]) == ["web-service"]


class TestNodejs:
    def chosen(self, nix: Nix, pkgs: str, major: int) -> str:
        found = nix.eval(f"import {ROOT}/nix/mempool/nodejs.nix {pkgs} {major}")
        assert isinstance(found, str)
        return found

    def test_is_the_wanted_one_where_it_is(self, nix: Nix) -> None:
        assert self.chosen(nix, '{ nodejs_16 = "16"; nodejs_20 = "20"; }', 16) == "16"

    def test_is_the_next_newer_one_where_it_was_removed(self, nix: Nix) -> None:
        pkgs = '{ nodejs_16 = throw "removed"; nodejs_20 = "20"; nodejs_24 = "24"; }'
        assert self.chosen(nix, pkgs, 16) == "20"

    def test_is_the_usual_one_where_all_are_older(self, nix: Nix) -> None:
        assert self.chosen(nix, '{ nodejs = "usual"; nodejs_20 = "20"; }', 24) == "usual"
