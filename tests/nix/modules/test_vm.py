"""The VM test, as far as it can be looked at without NixOS: its machine and its script."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.nix.modules.test_modules import NIXPKGS_LIB, system
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

TEST = ROOT / "nix/tests/mempool.nix"
SCRIPT = ROOT / "nix/tests/mempool.py"

# What NixOS' test driver gives a machine, as far as the script uses it.
METHODS = {"fail", "shutdown", "start", "succeed", "wait_for_unit", "wait_until_succeeds"}


def test_nixpkgs_is_handed_the_machine_and_the_script(nix: Nix) -> None:
    found = nix.eval(
        f"""let
          tests = import {ROOT}/nix/tests {{
            pkgs.testers.runNixOSTest = test: {{
              inherit (test) name testScript;
              nodes = builtins.attrNames test.nodes;
            }};
          }};
        in tests.mempool"""
    )
    assert found == {"name": "mempool", "nodes": ["explorer"], "testScript": SCRIPT.read_text()}


def test_the_script_is_python_that_uses_what_the_driver_has() -> None:
    tree = ast.parse(SCRIPT.read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "explorer"
    }
    assert used == METHODS


@pytest.mark.skipif(not NIXPKGS_LIB, reason="NPM2NIXLITE_NIXPKGS_LIB names no nixpkgs lib")
def test_its_machine_evaluates_and_has_what_the_script_asks_for(nix: Nix) -> None:
    # Both as it boots and as it is after the switch; what only NixOS has is declared here.
    for configuration in ("machine", "machine // machine.specialisation.quicker.configuration"):
        found = system(
            nix,
            f"""{{ lib, ... }}: let
              pkgs = import {ROOT}/tests/nix/pkgs.nix;
              machine = (import {TEST}).nodes.explorer {{ inherit pkgs; }};
            in {{
              imports = machine.imports;
              options.virtualisation = lib.mkOption {{ }};
              options.specialisation = lib.mkOption {{ }};
              config = removeAttrs (lib.recursiveUpdate machine ({configuration})) [ "imports" ];
            }}""",
            "{ inherit (s) failed; inherit (s.config) warnings;"
            " units = builtins.attrNames s.config.systemd.services;"
            " bitcoind = builtins.attrNames s.config.services.bitcoind;"
            " config = s.config.services.bitcoind.signet.extraConfig; }",
        )
        assert found["failed"] == found["warnings"] == []
        assert found["bitcoind"] == ["regtest", "signet"]
        assert found["config"].split()[0] == "signet=1"
        asked = re.findall(r"\b(?:mempool|electrs)-(?:regtest|signet)\b", SCRIPT.read_text())
        assert set(asked) <= set(found["units"])
