"""Where the Nix library is, and what of this package it needs: for ``nix-dir`` and ``init``."""

from __future__ import annotations

import ast
from pathlib import Path

from npm2nixlite.errors import InputError

__all__ = ["NIX_FILES", "SANDBOX_PACKAGES", "library_directory", "sandbox_modules"]

SANDBOX_PACKAGES = ("assemble", "lock", "pack", "project")
"""The packages that run inside the Nix sandbox."""

NIX_FILES = ("default.nix", "lib")
"""What of the Nix library builds projects; the rest is mempool and this program itself."""

_PACKAGE = Path(__file__).parents[1]


def library_directory() -> Path:
    """The directory to import: ``import DIRECTORY { inherit pkgs; }``.

    Raises:
        InputError: This installation has none.
    """
    # In a wheel it lies inside the package; in a checkout beside it.
    for directory in (_PACKAGE / "share" / "nix", _PACKAGE.parent / "nix"):
        if (directory / "lib" / "mk-node-modules.nix").is_file():
            return directory
    raise InputError(
        "this installation has no Nix library",
        where=str(_PACKAGE),
        hint="install npm2nixlite from its wheel or a checkout",
    )


def sandbox_modules() -> list[str]:
    """The Python files that run inside the sandbox, relative to the package's directory.

    They are the modules of `SANDBOX_PACKAGES` and whatever of this package these import.
    """
    pending = [
        path.relative_to(_PACKAGE).as_posix()
        for package in SANDBOX_PACKAGES
        for path in (_PACKAGE / package).rglob("*.py")
    ]
    found = {"__init__.py"}
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        pending += _imported((_PACKAGE / name).read_text("utf-8"))
    return sorted(found)


def _imported(source: str) -> list[str]:
    """The files of this package that a module imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        root, _, rest = node.module.partition(".")
        if root != _PACKAGE.name:
            continue
        path = rest.replace(".", "/")
        inside = [f"{path}/{alias.name}" if path else alias.name for alias in node.names]
        names += [f"{name}.py" for name in (path, *inside) if (_PACKAGE / f"{name}.py").is_file()]
        if path and (_PACKAGE / path / "__init__.py").is_file():
            names.append(f"{path}/__init__.py")
    return names
