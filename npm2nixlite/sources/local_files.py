"""Local tarballs: read where they lie, and held against every hash that the lock gives."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.files import open_file, reason
from npm2nixlite.integrity import Integrity, check_integrity
from npm2nixlite.node_packages.model import LocalPin

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.plan import LocalFile

__all__ = ["pin_local_file"]

_CHUNK = 1 << 18
_OTHER_TARBALL = (
    "the tarball is not the one the lock was made with; "
    "'npm install --package-lock-only' takes the new one into the lock"
)


def pin_local_file(wanted: LocalFile, directory: Path) -> LocalPin:
    """Hash a local tarball, and verify it.

    Args:
        wanted: What the lock says of it.
        directory: The lock's.

    Raises:
        FetchError: It cannot be read, or is not what the lock says it is.
    """
    algorithms = {"sha256", *(integrity.algorithm for integrity in wanted.integrities)}
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(algorithms)}
    place = (str(directory / wanted.path), wanted.install_paths[0])
    try:
        with open_file(directory / wanted.path) as file:
            while chunk := file.read(_CHUNK):
                for value in hashes.values():
                    value.update(chunk)
    except (OSError, ValueError) as error:
        raise FetchError(
            f"this local tarball cannot be read: {reason(error)}",
            where=place,
            hint="npm ci would fail, too: put it there, or make the lock anew",
        ) from error
    computed = {name: Integrity.of(name, value.digest()) for name, value in hashes.items()}
    try:
        check_integrity(wanted.integrities, computed, _OTHER_TARBALL)
    except FetchError as error:
        raise FetchError(error.what, where=place, hint=error.hint) from error
    return LocalPin(wanted.path, computed["sha256"])
