"""A file, or a tree, whose hash is known before it is read: what a fixed output is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.store.path import DEFAULT_STORE_DIR, StorePath, content_address, fixed_output_path

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.integrity import Integrity

__all__ = ["FixedFile", "WrongBytesError", "wrong_bytes"]


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A file or a directory on this disk, and the name and hash its derivation gives it.

    Attributes:
        name: The derivation's name, for a tarball its address's base name.
        path: Where the bytes are; any name will do.
        integrity: The hash the derivation is fixed to.
        recursive: Whether that is the NAR's hash; then ``path`` may be a directory.
    """

    name: str
    path: Path
    integrity: Integrity
    recursive: bool = False

    def store_path(self, store_dir: str = DEFAULT_STORE_DIR) -> StorePath:
        """Where Nix wants it.

        Raises:
            InputError: The name cannot be a store path's, or Nix knows no such hash.
        """
        return fixed_output_path(
            self.name, self.integrity, recursive=self.recursive, store_dir=store_dir
        )

    @property
    def content_address(self) -> str:
        """Its narinfo's ``CA``.

        Raises:
            InputError: Nix knows no such hash.
        """
        return content_address(self.integrity, recursive=self.recursive)


class WrongBytesError(FetchError):
    """A file is not what its hash says."""


def wrong_bytes(file: FixedFile) -> WrongBytesError:
    """The error for a file that is not what its hash says."""
    return WrongBytesError(
        f"the bytes of {file.name} do not have the hash {file.integrity}",
        where=str(file.path),
        hint="remove the file and fetch it again",
    )
