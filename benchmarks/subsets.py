"""A smaller lock out of a real one: some of its root dependencies, with all that these need."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["closure", "cut"]

_GROUPS = ("dependencies", "devDependencies", "optionalDependencies")
_NEEDS = ("dependencies", "optionalDependencies", "peerDependencies")


def closure(packages: Mapping[str, Any], roots: Iterable[str]) -> set[str]:
    """Install paths that some dependencies of the project need.

    Args:
        packages: A lock's, by install path.
        roots: Names of dependencies of the project.
    """
    found: set[str] = set()
    waiting = [("", name) for name in roots]
    while waiting:
        where, name = waiting.pop()
        path = _resolved(packages, where, name)
        if path is None or path in found:
            continue
        found.add(path)
        entry = packages[path]
        if "link" in entry:
            found.add(entry["resolved"])
        waiting += [(path, need) for group in _NEEDS for need in entry.get(group, {})]
    return found


def _resolved(packages: Mapping[str, Any], where: str, name: str) -> str | None:
    """Where Node.js finds a package that another one asks for."""
    while True:
        path = f"{where}/node_modules/{name}".lstrip("/")
        if path in packages:
            return path
        if not where:
            return None
        where = re.sub(r"/?node_modules/(?:@[^/]+/)?[^/]+$", "", where)


def cut(project: Path, sizes: Mapping[str, int], most: int, into: Path) -> None:
    """Write a project with as many of the root dependencies as fit.

    Args:
        project: Has a package.json and a package-lock.json of version 2 or 3.
        sizes: Install path → bytes of its tarball.
        most: Bytes that all tarballs may have.
        into: A new directory.

    Raises:
        ValueError: Not one of them fits.
    """
    manifest = json.loads((project / "package.json").read_bytes())
    lock = json.loads((project / "package-lock.json").read_bytes())
    packages = lock["packages"]
    needed = {
        name: closure(packages, [name]) for group in _GROUPS for name in manifest.get(group, {})
    }
    # The small ones first: many packages say more than a few large ones.
    names = sorted(
        needed, key=lambda name: (sum(sizes.get(path, 0) for path in needed[name]), name)
    )
    kept: set[str] = set()
    taken: list[str] = []
    for name in names:
        paths = kept | needed[name]
        if sum(sizes.get(path, 0) for path in paths) <= most:
            kept, taken = paths, [*taken, name]
    if not kept:
        raise ValueError(f"no dependency of {project} fits {most:,} bytes")
    for document in (manifest, packages[""]):
        for group in _GROUPS:
            if group in document:
                document[group] = {n: v for n, v in document[group].items() if n in taken}
    packages = {path: entry for path, entry in packages.items() if path in kept or not path}
    into.mkdir(parents=True)
    (into / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    small = {**lock, "packages": packages}
    small.pop("dependencies", None)  # of version 2, for old npm: nobody here reads it
    small["lockfileVersion"] = 3
    (into / "package-lock.json").write_text(json.dumps(small, indent=2) + "\n")
