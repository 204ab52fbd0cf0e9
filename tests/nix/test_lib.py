"""The Nix library's pure functions, evaluated by Nix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = pytest.mark.nix

GENERATED = """{ format = 1; name = "p"; version = null; lockHash = "sha256:0"; packages = {
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


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("  format = 1;\n", ""), "no format"),
        (("  format = 1;\n", "  format = 2;\n"), "format 2"),
        # Another format may take other arguments.
        (("  registry,\n", "  mirrors ? [ ],\n"), "format 2"),
    ],
)
def test_a_file_of_another_format_is_an_error_that_says_what_to_do(
    nix: Nix, tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    text = (ROOT / "fixtures/web-service/node-packages.nix").read_text()
    assert change[0] in text
    text = text.replace(*change)
    if "mirrors" in text:
        text = text.replace("format = 1;", "format = 2;").replace("registry == null", "true")
        text = text.replace("registry", '""')
    file = tmp_path / "node-packages.nix"
    file.write_text(text)
    expression = f"""
      (import {ROOT}/nix/lib/load.nix {{ registry = "https://registry.example/"; }} {file}).name"""
    done = nix.run("nix-instantiate", "--eval", "--expr", expression, check=False)
    assert done.returncode
    assert told in done.stderr
    assert "reads format 1" in done.stderr
    assert "npm2nixlite generate" in done.stderr
