"""Git dependencies: packed first, as npm packs them, and then unpacked like any tarball."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.manifest import FromTarball, FromTree, ManifestEntry
from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.pack.tarball import pack

if TYPE_CHECKING:
    from npm2nixlite.assemble.manifest import Manifest

__all__ = ["pack_trees"]


def pack_trees(manifest: Manifest, scratch: Path) -> Manifest:
    """A manifest whose git trees are tarballs.

    Args:
        manifest: What to assemble.
        scratch: A directory for the tarballs; they are needed until all is assembled.

    Raises:
        BuildError: A tree cannot be packed.
    """
    packages = dict(manifest.packages)
    for number, (path, entry) in enumerate(manifest.packages.items()):
        if not isinstance(entry.origin, FromTree):
            continue
        tarball = scratch / f"tree-{number}.tgz"
        try:
            pack(Path(entry.origin.directory), tarball)
        except (OSError, InputError) as error:
            raise BuildError(
                f"this git dependency cannot be packed: {error}", where=path
            ) from error
        packages[path] = ManifestEntry(FromTarball(str(tarball)), entry.fields)
    return replace(manifest, packages=packages)
