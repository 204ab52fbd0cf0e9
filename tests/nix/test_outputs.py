"""What the flake and the overlay give, evaluated with a stand-in for nixpkgs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

ROOT = Path(__file__).parents[2]
PKGS = Path(__file__).with_name("pkgs.nix")


def test_flake_gives_packages_shells_modules_and_library(nix: Nix) -> None:
    found = nix.eval(
        f"""let
          pkgs = import {PKGS};
          outputs = (import {ROOT}/flake.nix).outputs {{
            nixpkgs.legacyPackages = {{ x86_64-linux = pkgs; aarch64-linux = pkgs; }};
          }};
          names = builtins.mapAttrs (_: builtins.attrNames);
        in {{
          packages = builtins.mapAttrs (_: package: package.drvPath) outputs.packages.x86_64-linux;
          checks = names outputs.checks;
          shell = outputs.devShells.x86_64-linux.default.drvPath;
          modules = builtins.attrNames outputs.nixosModules;
          lib = builtins.attrNames (outputs.lib."with" {{ inherit pkgs; }});
        }}"""
    )
    assert set(found["packages"]) == {
        "default",
        "mempool-backend",
        "mempool-frontend",
        "mempool-rust-gbt",
        "npm2nixlite",
    }
    assert all(path.endswith(".drv") for path in found["packages"].values())
    assert found["checks"]["aarch64-linux"] == ["mempool-backend", "npm2nixlite"]
    assert set(found["modules"]) == {"default", "electrs", "mempool-backend", "mempool-frontend"}
    assert {"buildNpmProject", "mkNodeModules", "mkDevShell"} <= set(found["lib"])


def test_overlay_gives_what_the_flake_gives(nix: Nix) -> None:
    same = nix.eval(
        f"""let
          prev = import {PKGS};
          final = prev // import {ROOT}/nix/overlay.nix final prev;
          flake = (import {ROOT}/flake.nix).outputs {{
            nixpkgs.legacyPackages = {{ x86_64-linux = prev; aarch64-linux = prev; }};
          }};
          packages = removeAttrs flake.packages.x86_64-linux [ "default" ];
        in builtins.mapAttrs (name: package: package.drvPath == final.${{name}}.drvPath) packages"""
    )
    assert same
    assert all(same.values()), same


def test_shell_has_the_newest_releases_tools(nix: Nix) -> None:
    assert nix.eval(f"(import {ROOT}/nix/shell.nix {{ pkgs = import {PKGS}; }}).drvPath")


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
