"""The modules that run in the Nix sandbox: which they are, and what they import."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.nix.library import library_directory, sandbox_modules
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from tests.support.nix import Nix

PACKAGE = ROOT / "npm2nixlite"


def imports(file: Path) -> set[str]:
    """The top names that a module imports when it runs."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(file.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        pending += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("name", sandbox_modules())
def test_a_module_of_the_sandbox_imports_the_standard_library_only(name: str) -> None:
    assert imports(PACKAGE / name) <= {*sys.stdlib_module_names, "npm2nixlite"}


def test_the_modules_of_the_sandbox_are_few() -> None:
    rooms = {name.partition("/")[0] for name in sandbox_modules() if "/" in name}
    assert rooms == {"assemble", "lock", "pack", "project"}


@pytest.mark.nix
def test_the_sandbox_gets_just_the_modules_that_its_modules_import(nix: Nix) -> None:
    library = library_directory() / "lib/assembler.nix"
    done = nix.run(
        *("nix-instantiate", "--eval", "--read-write-mode", "--strict", "--json"),
        *("--expr", f'"${{import {library}}}"'),
    )
    place = Path(json.loads(done.stdout)) / "npm2nixlite"
    there = {file.relative_to(place).as_posix() for file in place.rglob("*.py")}
    assert there == set(sandbox_modules())
