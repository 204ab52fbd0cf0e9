"""Tarballs with whatever a test wants in them, entry by entry."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass

__all__ = ["Member", "archive", "package"]


@dataclass(frozen=True)
class Member:
    """One entry.

    Attributes:
        path: As it stands in the archive, first component included.
        data: A file's bytes.
        mode: Permission bits.
        type: One of tarfile's types.
        link: A link's target.
    """

    path: str
    data: bytes = b""
    mode: int = 0o644
    type: bytes = tarfile.REGTYPE
    link: str = ""


def archive(*members: Member, form: int = tarfile.PAX_FORMAT, compress: bool = True) -> bytes:
    """A tarball of these entries, in this order."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=form) as tar:
        for member in members:
            info = tarfile.TarInfo(member.path)
            info.type, info.mode, info.linkname = member.type, member.mode, member.link
            info.size = len(member.data)
            tar.addfile(info, io.BytesIO(member.data))
    return gzip.compress(content.getvalue(), mtime=0) if compress else content.getvalue()


def package(name: str, *members: Member, version: str = "1.0.0", **manifest: object) -> bytes:
    """A package's tarball: its package.json, then these entries."""
    content = json.dumps({"name": name, "version": version, **manifest}).encode()
    return archive(Member("package/package.json", content), *members)
