"""Real npm tarballs, made on the spot."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import random
import tarfile

__all__ = ["sri", "tarball"]


def tarball(name: str, version: str, *, size: int = 0) -> bytes:
    """A package's .tgz: a package.json, and ``size`` bytes that do not compress."""
    content = {
        "package.json": json.dumps({"name": name, "version": version}).encode(),
        "index.js": f"module.exports = {json.dumps(name)};\n".encode(),
    }
    if size:
        content["blob"] = random.Random(f"{name}@{version}").randbytes(size)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in content.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(archive.getvalue(), mtime=0)


def sri(data: bytes, algorithm: str = "sha512") -> str:
    """An integrity string of these bytes."""
    digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"
