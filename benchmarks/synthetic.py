"""Projects of any size: a lock, and a registry's tarballs, the same for the same seed.

The packages are small, so that what is measured is what grows with their number: a manifest, a
module of some hundred random bytes, and now and then a bin. One in eight stands below another
package, as where versions differ; each but the project's own is needed by one before it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Synthetic", "make", "tar"]

_ROOTS = 40  # of the project's own dependencies
_BLOCK = 512  # bytes, of a tar archive


@dataclass(frozen=True)
class Synthetic:
    """A project that was made up.

    Attributes:
        project: Has package.json and package-lock.json.
        tarballs: What a registry serves.
        paths: Of the tarballs, below it; one for each package.
        files: Install path → tarball.
    """

    project: Path
    tarballs: Path
    paths: tuple[str, ...]
    files: dict[str, Path]


def tar(members: dict[str, tuple[bytes, int]]) -> bytes:
    """A ustar archive.

    Args:
        members: Name → content and mode.
    """
    pieces = []
    for name, (content, mode) in members.items():
        head = bytearray(_BLOCK)
        head[: len(name)] = name.encode()
        head[100:108] = b"%07o\0" % mode
        head[108:124] = b"0000000\0" * 2
        head[124:136] = b"%011o\0" % len(content)
        head[136:148] = b"%011o\0" % 499162500
        head[148:156] = b" " * 8
        head[156:157] = b"0"
        head[257:265] = b"ustar\x0000"
        head[148:156] = b"%06o\0 " % sum(head)
        pieces += [bytes(head), content, bytes(-len(content) % _BLOCK)]
    return b"".join([*pieces, bytes(2 * _BLOCK)])


def make(count: int, directory: Path, seed: int = 1) -> Synthetic:
    """Make up a project.

    Args:
        count: Of its packages.
        directory: Gets ``project`` and ``tarballs``.
        seed: The same gives the same bytes.
    """
    generator = random.Random(f"{seed}-{count}")  # noqa: S311 (nothing secret)
    names = [f"made-up-{number:06d}" for number in range(count)]
    needs: list[dict[str, str]] = [{} for _ in names]
    places: list[str] = []
    for number, name in enumerate(names):
        place = f"node_modules/{name}"
        if number >= _ROOTS:
            parent = generator.randrange(number)
            needs[parent][name] = "1.0.0"
            if number % 8 == 0 and places[parent].count("node_modules/") == 1:
                place = f"{places[parent]}/{place}"
        places.append(place)
    top = dict.fromkeys(names[:_ROOTS], "1.0.0")
    packages: dict[str, Any] = {"": {"name": "made-up", "version": "1.0.0", "dependencies": top}}
    project, tarballs = directory / "project", directory / "tarballs"
    project.mkdir(parents=True)
    paths, files = [], {}
    for number, name in enumerate(names):
        path = f"{name}/-/{name}-1.0.0.tgz"
        entry, data = _package(name, needs[number], generator, with_bin=number % 20 == 0)
        file = tarballs / path
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
        packages[places[number]] = entry
        paths.append(path)
        files[places[number]] = file
    packages = dict(sorted(packages.items()))
    lock = {"name": "made-up", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    (project / "package-lock.json").write_text(json.dumps({**lock, "packages": packages}, indent=2))
    manifest = {"name": "made-up", "version": "1.0.0", "dependencies": top}
    (project / "package.json").write_text(json.dumps(manifest, indent=2))
    return Synthetic(project, tarballs, tuple(paths), files)


def _package(
    name: str, needs: dict[str, str], generator: random.Random, *, with_bin: bool
) -> tuple[dict[str, Any], bytes]:
    """A lock's entry, and the tarball it is about."""
    about: dict[str, Any] = {"name": name, "version": "1.0.0", "main": "index.js"}
    entry: dict[str, Any] = {"version": "1.0.0"}
    if needs:
        about["dependencies"] = entry["dependencies"] = needs
    members = {"package/index.js": (b"// " + generator.randbytes(300).hex().encode(), 0o644)}
    if with_bin:
        about["bin"] = entry["bin"] = {name: "cli.js"}
        members["package/cli.js"] = (b"#!/usr/bin/env node\n", 0o755)
    members["package/package.json"] = (json.dumps(about).encode(), 0o644)
    packer = zlib.compressobj(1, wbits=31)
    data = packer.compress(tar(members)) + packer.flush()
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    entry["integrity"] = f"sha512-{digest}"
    return entry, data
