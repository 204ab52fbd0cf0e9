"""Which file is a project's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOCK_NAMES", "find_lock"]

LOCK_NAMES = ("npm-shrinkwrap.json", "package-lock.json")
"""The names npm reads, the winning one first."""

_OTHER_LOCKS = {
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "deno.lock": "deno",
}
"""Locks of other package managers, which this program does not read."""

_MAKE_ONE = "make one with 'npm install --package-lock-only'"


def find_lock(project: Path) -> Path:
    """The lock of a project: a directory with a lock, or the lock itself.

    Raises:
        InputError: There is no such project, no lock in it, or the file is something else.
    """
    if project.is_file():
        _refuse_others(project)
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
    raise _no_lock(project)


def _refuse_others(file: Path) -> None:
    """Say what a file is that is taken for a lock now and then."""
    if file.name in _OTHER_LOCKS:
        raise InputError(
            f"this is a lock of {_OTHER_LOCKS[file.name]}; only npm's are read",
            where=str(file),
            hint=f"{_MAKE_ONE}, beside it",
        )
    if file.name == "package.json":
        raise InputError(
            "package.json is not a lock", where=str(file), hint="name its directory instead"
        )
    if file.suffix == ".nix":
        raise InputError(
            "this is a Nix file, not a lock",
            where=str(file),
            hint="name the directory of the lock; -o names the file to write",
        )


def _no_lock(project: Path) -> InputError:
    for name, manager in _OTHER_LOCKS.items():
        if (project / name).is_file():
            return InputError(
                f"there is no npm lock in this directory; it has {manager}'s {name}",
                where=str(project),
                hint=f"only npm's locks are read; {_MAKE_ONE}, which changes nothing else",
            )
    for name in LOCK_NAMES:
        if (project / name).is_file():
            return InputError(
                "the lock is empty",
                where=str(project / name),
                hint=f"delete it, and {_MAKE_ONE}",
            )
    return InputError("there is no lock in this directory", where=str(project), hint=_MAKE_ONE)
