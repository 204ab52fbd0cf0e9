"""Local dependencies: a directory's files, as ``npm pack`` has no part in them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["copy_directory"]


def copy_directory(source: Path, target: Path) -> None:
    """Copy a tree, its ``node_modules`` aside; modes become what a fresh checkout would have."""
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name == "node_modules":
            continue
        to = target / entry.name
        if entry.is_symlink():
            to.symlink_to(os.readlink(entry.path))
        elif entry.is_dir():
            copy_directory(source / entry.name, to)
        elif entry.is_file():
            shutil.copyfile(entry.path, to)
            to.chmod(0o755 if entry.stat().st_mode & 0o100 else 0o644)
