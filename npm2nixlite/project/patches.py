"""Patches for packages: for one package, or as patch-package keeps them for a whole project."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Patch", "apply_patches", "install_path_of"]

_FILE_NAME = re.compile(
    r"(?P<packages>.+?)\+(?P<version>[0-9][^+]*)(\+(?P<number>\d+)(\+.*)?)?(\.dev)?\.patch"
)


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch, or a directory of them.

    Attributes:
        file: A patch; or a directory, of which each ``.patch`` is one of patch-package's.
        name: What it was called before the store had it.
        path: The install path it is for, and which its own paths are relative to (or to the
            project, where they begin with it); None for one of patch-package's.
    """

    file: Path
    name: str
    path: str | None


def install_path_of(name: str) -> str | None:
    """The install path that a file of patch-package is for; None for another file.

    Args:
        name: ``name+1.0.0.patch``, ``@scope+name+1.0.0.patch``, ``outer++inner+1.0.0.patch``,
            with a number and a description before ``.patch``, perhaps.
    """
    found = _FILE_NAME.fullmatch(name)
    if found is None:
        return None
    packages = found["packages"].split("++")
    return "/".join(
        f"node_modules/{package.replace('+', '/', 1) if package[:1] == '@' else package}"
        for package in packages
    )


def apply_patches(patches: Iterable[Patch], out: Path) -> None:
    """Apply patches to an assembled tree; those for packages that are left out are passed over.

    Raises:
        BuildError: One does not apply.
        InputError: A file's name says no package.
    """
    for patch in patches:
        if patch.path is not None:
            _apply(patch.file, patch.name, patch.path, out)
            continue
        files = {patch.file: patch.name}
        if patch.file.is_dir():
            files = {file: file.name for file in sorted(patch.file.glob("*.patch"))}
        if not files:
            raise InputError("there is no .patch file in this directory", where=patch.name)
        for file, stored in files.items():
            name = re.sub(r"^[0-9a-z]{32}-", "", stored)
            path = install_path_of(name)
            if path is None:
                raise InputError(
                    "this file's name does not say which package it is for",
                    where=name,
                    hint="patch-package calls it NAME+VERSION.patch; else write "
                    "packagePatches.NAME = FILE",
                )
            _apply(file, name, path, out)


def _apply(file: Path, name: str, path: str, out: Path) -> None:
    if not (out / path).is_dir():
        return
    text = file.read_bytes()
    sys.stdout.write(f"patching {path}\n")
    sys.stdout.flush()
    done = subprocess.run(
        ["patch", "--strip=1", "--no-backup-if-mismatch", "--batch", "--forward"],
        cwd=out / _base_of(text, path),
        input=text,
        check=False,
        capture_output=True,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise BuildError(
            f"{name} does not apply: {said}",
            where=path,
            hint="make the patch anew for the version that the lock has",
        )


def _base_of(text: bytes, path: str) -> str:
    """The directory that a patch's paths are relative to: patch-package counts from a project."""
    names = re.findall(rb"^(?:---|\+\+\+) \"?[ab]/(\S+)", text, re.MULTILINE)
    parts = path.split("/")
    for above, part in enumerate(parts):
        prefix = f"{'/'.join(parts[above:])}/".encode()
        if (not above or part == "node_modules") and any(name.startswith(prefix) for name in names):
            return "/".join(parts[:above])
    return path
