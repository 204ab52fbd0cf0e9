"""Projects whose packages a loopback registry serves, for npm to install beside us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from npm2nixlite.cache import Cache
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.generate import GenerateOptions
from npm2nixlite.verify.verify import verify
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

__all__ = ["NpmProject"]


class NpmProject:
    """A project under construction.

    Args:
        directory: Made.
        registry: Serves its packages, and answers for them.
        version: Its lock's.
    """

    def __init__(self, directory: Path, registry: Registry, version: int = 3) -> None:
        self.directory, self.registry, self.version = directory, registry, version
        self.manifest: dict[str, Any] = {"name": "project", "version": "1.0.0"}
        self.entries: dict[str, Any] = {}
        directory.mkdir()

    def add(self, path: str, data: bytes, **fields: Any) -> dict[str, Any]:
        """An install path, or in a lock of version 1 a name; and the tarball that fills it."""
        name = fields.get("name", path.rpartition("node_modules/")[2])
        address = f"{name}/-/{len(data)}-1.tgz"
        self.registry.answers[f"/{address}"] = Answer(body=data)
        resolved = {"resolved": self.registry.base + address, "integrity": sri(data)}
        entry = {"version": "1.0.0", **resolved, **fields}
        self.entries[path] = entry
        return entry

    def publish(self, name: str, data: bytes, package: dict[str, Any]) -> None:
        """What the registry says of a package, for an npm that asks about it."""
        tarball = f"{self.registry.base}{name}/-/{len(data)}-1.tgz"
        self.registry.answers[f"/{name}/-/{len(data)}-1.tgz"] = Answer(body=data)
        about = {**package, "dist": {"tarball": tarball, "integrity": sri(data)}}
        document = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": about}}
        headers = {"Content-Type": "application/json"}
        self.registry.answers[f"/{name}"] = Answer(
            body=json.dumps(document).encode(), headers=headers
        )

    def write(self) -> None:
        """Write package.json and lock."""
        (self.directory / "package.json").write_text(json.dumps(self.manifest, indent=2))
        lock: dict[str, Any] = {"lockfileVersion": self.version, "requires": True}
        lock |= {"name": "project", "version": "1.0.0"}
        if self.version == 1:
            lock["dependencies"] = self.entries
        else:
            lock["packages"] = {"": self.manifest, **self.entries}
        (self.directory / "package-lock.json").write_text(json.dumps(lock, indent=2))

    def differences(self, *omit: str) -> list[str]:
        """What differs between npm's tree and ours."""
        self.write()
        found = verify(
            self.directory,
            Cache(self.directory.parent / "cache"),
            GenerateOptions(fetch=FetchOptions(), registry=self.registry.base),
            frozenset(omit),
        )
        return [*map(str, found.differences)]
