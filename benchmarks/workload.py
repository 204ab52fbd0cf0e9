"""A lock's tarballs, fetched once from the real registry, and laid out for servers and contestants.

All contestants get the same lock, with the address of every tarball in it, so that who can do
without a registry's metadata does. Who asks for it gets the least that it takes.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.generate import GenerateOptions, generate
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.model import RegistryTarball
from npm2nixlite.verify.npm import copy_project, fill_addresses

if TYPE_CHECKING:
    from npm2nixlite.lock.model import Lock

__all__ = ["KEPT", "ROOT", "Stock", "lay_out", "stock_up"]

ROOT = Path(__file__).parents[1]

KEPT = Path.home() / ".cache/npm2nixlite-benchmarks"
"""A download cache of the benchmarks' own."""

_COPIED = (
    "bin",
    "bundleDependencies",
    "cpu",
    "dependencies",
    "engines",
    "hasInstallScript",
    "libc",
    "optionalDependencies",
    "os",
    "peerDependencies",
    "peerDependenciesMeta",
)


@dataclass(frozen=True)
class Stock:
    """What the benchmarks of one lock start from.

    Attributes:
        project: Where the lock is.
        lock: The lock, read.
        tarballs: A directory that has them by their path below the registry base.
        paths: These paths.
        size: Their bytes in all.
        addresses: Install path → path below the registry base.
        text: The generated ``node-packages.nix``.
    """

    project: Path
    lock: Lock
    tarballs: Path
    paths: tuple[str, ...]
    size: int
    addresses: dict[str, str]
    text: str

    def copy(self, base: str, directory: Path) -> Path:
        """A copy of what npm reads of the project; its lock says where each tarball is."""
        directory.mkdir(parents=True)
        project = copy_project(self.project, self.lock, directory)
        fill_addresses(
            find_lock(project), {path: base + below for path, below in self.addresses.items()}
        )
        return project

    def write_metadata(self, base: str, directory: Path) -> None:
        """Write what a registry at ``base`` would say of each package: the lock's versions only."""
        entries = json.loads(find_lock(self.project).read_bytes()).get("packages", {})
        documents: dict[str, dict[str, object]] = {}
        for package in self.lock.packages:
            source = package.source
            if not isinstance(source, RegistryTarball) or package.install_path not in entries:
                continue
            entry = entries[package.install_path]
            version = {key: entry[key] for key in _COPIED if key in entry}
            version |= {
                "name": source.name,
                "version": source.version,
                "dist": {
                    "tarball": base + self.addresses[package.install_path],
                    "integrity": entry.get("integrity"),
                },
            }
            versions = documents.setdefault(source.name, {})
            versions[source.version] = version
        for name, versions in documents.items():
            latest = max(versions, key=_numbers)
            file = directory / name / "metadata"
            file.parent.mkdir(parents=True, exist_ok=True)
            document = {
                "name": name,
                "dist-tags": {"latest": latest},
                "versions": versions,
                "time": dict.fromkeys(("created", *versions), "2020-01-01T00:00:00.000Z"),
            }
            file.write_text(json.dumps(document))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(
        int(part) for part in version.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0].split(".")
    )


def stock_up(project: Path, tarballs: Path) -> Stock:
    """Fetch a lock's tarballs once, and lay them out as a registry does.

    Args:
        project: A directory with a lock.
        tarballs: Where they go.

    Raises:
        FetchError: Some could not be fetched.
        InputError: The lock cannot be used.
    """
    cache = Cache(KEPT)
    (generated,), resolution = generate([project], cache, GenerateOptions(fetch=FetchOptions()))
    pins = resolution.pins[0]
    addresses = {path: pin.address.path for path, pin in pins.items() if pin.address.relative}
    sizes: dict[str, int] = {}
    for path, pin in pins.items():
        if path in addresses and addresses[path] not in sizes:
            target = tarballs / addresses[path]
            sizes[addresses[path]] = _provide(cache.path(pin.sha512), target)
    lock = generated.plan.lock
    directory = Path(lock.file).parent
    paths = tuple(sorted(sizes))
    return Stock(directory, lock, tarballs, paths, sum(sizes.values()), addresses, generated.text)


def _provide(source: Path, target: Path) -> int:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system
            shutil.copyfile(source, target)
    return target.stat().st_size


def lay_out(project: Path, served: Path, output: Path | None = None) -> list[str]:
    """Fetch a lock's tarballs once; lay them out as a registry does.

    Args:
        project: Where the lock is.
        served: Where the tarballs go.
        output: Where the generated file goes, if anywhere.

    Returns:
        The tarballs' paths below ``served``.
    """
    stock = stock_up(project, served)
    if output is not None:
        output.write_text(stock.text)
    return list(stock.paths)
