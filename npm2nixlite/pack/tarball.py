"""Write what npm packs of a directory as a tarball, so that it installs like any other."""

from __future__ import annotations

import gzip
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from npm2nixlite.pack.files import packed_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["pack"]

_TIME = 499162500  # 1985-10-26 08:15 UTC, as npm has it: some tools take no earlier date


def pack(directory: Path, tarball: Path, *, compressed: bool = True) -> None:
    """Pack a directory; the same files give the same bytes.

    The bytes are not npm's own, whose compression is another in every version of Node.js; what
    they unpack to is.

    Args:
        directory: With a package.json.
        tarball: Written anew.
        compressed: Whether it is gzipped. What is not, Nix can search for store paths.

    Raises:
        InputError: There is no package.json, or it is no JSON object.
        OSError: Something cannot be read or written.
    """
    with (
        tarball.open("wb") as file,
        _through_gzip(file, compressed) as plain,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for item in packed_files(directory):
            with (directory / item.path).open("rb") as content:
                member = tarfile.TarInfo(f"package/{item.path}")
                member.size = content.seek(0, 2)
                content.seek(0)
                member.mode = 0o755 if item.executable else 0o644
                member.mtime = _TIME
                archive.addfile(member, content)


@contextmanager
def _through_gzip(file: BinaryIO, compressed: bool) -> Iterator[BinaryIO | gzip.GzipFile]:
    if not compressed:
        yield file
        return
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0) as zipped:
        yield zipped
