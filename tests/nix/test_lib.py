"""The Nix library's pure functions, evaluated by Nix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT

if TYPE_CHECKING:
    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

GENERATED = """{ name = "p"; version = null; lockHash = "sha256:0"; packages = {
  "node_modules/a" = { version = "1.0.0"; src = "/a"; }; }; }"""


def test_pure_functions_have_their_expected_values(nix: Nix) -> None:
    found = nix.eval(f"import {ROOT}/tests/nix/lib.nix")
    assert len(found) > 5
    for name, (got, expected) in found.items():
        assert got == expected, name


@pytest.mark.parametrize(
    "arguments",
    [
        'allowScripts = [ "nobody" ];',
        'overrides.nobody = "/x";',
        'patches.nobody = [ "/x" ];',
        'localDependencies.nobody = "/x";',
    ],
)
def test_a_name_the_lock_does_not_have_is_an_error_that_names_it(nix: Nix, arguments: str) -> None:
    expression = f"""
      let npm = import {ROOT}/nix {{ pkgs = import {ROOT}/tests/nix/toolchain.nix {{ }}; }};
      in (npm.mkNodeModules {{ packages = {GENERATED}; {arguments} }}).drvPath"""
    done = nix.run("nix-instantiate", "--eval", "--strict", "--expr", expression, check=False)
    assert done.returncode
    assert '"nobody"' in done.stderr
    assert arguments.split(maxsplit=1)[0].split(".", maxsplit=1)[0] in done.stderr


def test_a_missing_registry_is_an_error_that_says_what_to_do(nix: Nix) -> None:
    expression = f"""
      let npm = import {ROOT}/nix {{ pkgs = import {ROOT}/tests/nix/toolchain.nix {{ }}; }};
      in (npm.mkNodeModules {{
        packages = {ROOT}/fixtures/web-service/node-packages.nix; }}).drvPath"""
    done = nix.run("nix-instantiate", "--eval", "--strict", "--expr", expression, check=False)
    assert done.returncode
    assert "registry.example" in done.stderr
