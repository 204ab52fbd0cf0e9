"""Which file is a project's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOCK_NAMES", "find_lock"]

LOCK_NAMES = ("npm-shrinkwrap.json", "package-lock.json")
"""The names npm reads, the winning one first."""


def find_lock(project: Path) -> Path:
    """The lock of a project: a directory with a lock, or the lock itself.

    Raises:
        InputError: There is no such project, or no lock in it.
    """
    if project.is_file():
        return project
    if not project.is_dir():
        raise InputError(
            "no such project", where=str(project), hint="name a directory with a lock, or a lock"
        )
    for name in LOCK_NAMES:
        # An empty file counts as none for npm, so package-lock.json is read then.
        lock = project / name
        if lock.is_file() and lock.stat().st_size:
            return lock
    raise InputError(
        "there is no lock in this directory",
        where=str(project),
        hint="make one with 'npm install --package-lock-only'",
    )
