"""Locks: ``package-lock.json`` and ``npm-shrinkwrap.json``, lockfileVersion 1, 2 and 3.

Standard library only: the assembler reads locks inside the Nix sandbox.
"""

from npm2nixlite.lock.find import LOCK_NAMES, find_lock
from npm2nixlite.lock.model import (
    Bundled,
    GitRevision,
    Link,
    LocalDirectory,
    LocalTarball,
    Lock,
    Missing,
    Package,
    RegistryTarball,
    Source,
    UrlTarball,
)
from npm2nixlite.lock.parse import parse_lock, read_lock

__all__ = [
    "LOCK_NAMES",
    "Bundled",
    "GitRevision",
    "Link",
    "LocalDirectory",
    "LocalTarball",
    "Lock",
    "Missing",
    "Package",
    "RegistryTarball",
    "Source",
    "UrlTarball",
    "find_lock",
    "parse_lock",
    "read_lock",
]
