"""Whether a project has the lock that its tree is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import LOCK_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.assemble.manifest import Manifest

__all__ = ["check_lock"]


def check_lock(manifest: Manifest, project: Path) -> None:
    """See that the project's lock, where it has one, is the manifest's, where that has one.

    Raises:
        InputError: They differ.
    """
    if manifest.lock is None:
        return
    for name in LOCK_NAMES:
        lock = project / name
        if lock.is_file():
            if lock.read_bytes() != manifest.lock.read_bytes():
                raise InputError(
                    "this is not the lock that npmDeps is made from",
                    where=name,
                    hint="run 'npm2nixlite generate' again, and give the same lock to npmDeps; one "
                    "that a patch changes has to be changed before",
                )
            return
