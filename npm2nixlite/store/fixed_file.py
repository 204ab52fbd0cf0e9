"""A file whose hash is known before it is read: what a flat fixed-output derivation yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.store.path import DEFAULT_STORE_DIR, StorePath, fixed_output_path

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.integrity import Integrity

__all__ = ["FixedFile", "mismatch"]


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A file on this disk, and the name and hash its derivation gives it.

    Attributes:
        name: The derivation's name, for a tarball its address's base name.
        path: Where the bytes are; any name will do.
        integrity: The hash the derivation is fixed to.
    """

    name: str
    path: Path
    integrity: Integrity

    def store_path(self, store_dir: str = DEFAULT_STORE_DIR) -> StorePath:
        """Where Nix wants it.

        Raises:
            InputError: The name cannot be a store path's, or Nix knows no such hash.
        """
        return fixed_output_path(self.name, self.integrity, store_dir=store_dir)


def mismatch(file: FixedFile) -> FetchError:
    """The error for a file that is not what its hash says."""
    return FetchError(
        f"the bytes of {file.name} do not have the hash {file.integrity}",
        where=str(file.path),
        hint="remove the file and fetch it again",
    )
