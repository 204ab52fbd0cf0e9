"""What differs between two locks, or two generated files: packages, hosts, install scripts."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.model import GitRevision, Link, RegistryTarball, UrlTarball
from npm2nixlite.lock.parse import parse_lock
from npm2nixlite.node_packages.model import Flag, GitPin, PackageEntry, Pin
from npm2nixlite.node_packages.names import OUTPUT_NAME
from npm2nixlite.node_packages.read import read_node_packages
from npm2nixlite.versions import Bump, bump, is_older

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LockDifference", "Release", "compare", "read_releases"]

_MOST = 1 << 28  # bytes of a lock


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A package's version, as a lock or a generated file has it.

    Attributes:
        name: The package's own.
        version: Empty where none is given.
        host: That its address names; empty for the configured registry, and for local ones.
        install_script: Whether it runs a script when npm installs it.
    """

    name: str
    version: str
    host: str
    install_script: bool


@dataclass(frozen=True, slots=True)
class LockDifference:
    """What a change brings.

    Attributes:
        added: Packages that were not there in any version.
        removed: Packages that are no longer there in any version.
        updated: Old and new, of packages that are there in other versions.
        gained_scripts: New releases of packages none of whose old ones ran an install script.
        moved: New releases that come from a host that their package did not come from.
    """

    added: tuple[Release, ...]
    removed: tuple[Release, ...]
    updated: tuple[tuple[Release, Release], ...]
    gained_scripts: tuple[Release, ...]
    moved: tuple[Release, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.updated or self.gained_scripts or self.moved)

    def bumps(self) -> Iterator[tuple[Release, Release, Bump | None, bool]]:
        """Old, new, what kind of bump it is, and whether it leads to an older version."""
        for old, new in self.updated:
            yield old, new, bump(old.version, new.version), is_older(new.version, old.version)


def compare(old: Iterable[Release], new: Iterable[Release]) -> LockDifference:
    """What differs, package by package; several versions of one are told in their order."""
    before, after = _by_name(old), _by_name(new)
    added: list[Release] = []
    removed: list[Release] = []
    updated: list[tuple[Release, Release]] = []
    scripts: list[Release] = []
    moved: list[Release] = []
    for name in sorted({*before, *after}):
        olds, news = before.get(name, []), after.get(name, [])
        known = {release.version for release in olds}
        kept = {release.version for release in news}
        gone = [release for release in olds if release.version not in kept]
        come = [release for release in news if release.version not in known]
        pairs = list(zip(gone, come, strict=False))
        updated += pairs
        removed += gone[len(pairs) :]
        added += come[len(pairs) :]
        if not any(release.install_script for release in olds):
            scripts += [release for release in news if release.install_script]
        hosts = {release.host for release in olds}
        moved += [release for release in news if olds and release.host not in hosts]
    return LockDifference(*map(tuple, (added, removed, updated, scripts, moved)))  # type: ignore[arg-type]


def read_releases(given: str) -> list[Release]:
    """The releases of a lock or a generated file.

    Args:
        given: A project's directory, a lock, a generated file, or one of a git revision, as
            ``REV:PATH``.

    Raises:
        InputError: It is not there, or cannot be read.
    """
    path, separator, inside = given.partition(":")
    if Path(given).exists() or not separator:
        file = Path(given)
        if file.suffix != ".nix":
            file = find_lock(file)
        return _releases(_content(file), str(file))
    if not path or path.startswith("-") or not inside:
        raise InputError(
            "expected REV:PATH", where=given, hint="for example HEAD~1:package-lock.json"
        )
    done = subprocess.run(
        ["git", "show", "--end-of-options", given], capture_output=True, check=False
    )
    if done.returncode:
        raise InputError(
            f"git does not have it: {done.stderr.decode(errors='replace').strip()}",
            where=given,
            hint="PATH is relative to the repository's root; ./PATH to this directory",
        )
    return _releases(done.stdout, given)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(file)) from error


def _releases(content: bytes, file: str) -> list[Release]:
    if file.endswith(".nix"):
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"this is not a {OUTPUT_NAME}", where=file) from error
        return [*_of_node_packages(text, file)]
    return [*_of_lock(content, file)]


def _of_lock(content: bytes, file: str) -> Iterator[Release]:
    for package in parse_lock(content, file).packages:
        match package.source:
            case RegistryTarball(base=base):
                address = base or ""
            case UrlTarball(url) | GitRevision(url):
                address = url
            case _:
                address = ""
        yield Release(
            package.name, package.version or "", _host(address), package.has_install_script
        )


def _of_node_packages(text: str, file: str) -> Iterator[Release]:
    content = read_node_packages(text, file)
    for _, entry in content.labelled():
        if isinstance(entry, Link) or not isinstance(entry, PackageEntry):
            continue
        match entry.content:
            case Pin(address):
                whole = content.registry or "" if address.relative else address.path
            case GitPin(tree):
                whole = tree.url
            case _:
                whole = ""
        scripts = Flag.HAS_INSTALL_SCRIPT in entry.flags
        yield Release(entry.name, entry.version or "", _host(whole), scripts)


def _host(address: str) -> str:
    try:
        return urlsplit(address.removeprefix("git+")).hostname or ""
    except ValueError:
        return ""


def _by_name(releases: Iterable[Release]) -> dict[str, list[Release]]:
    found: dict[str, list[Release]] = {}
    for release in sorted(set(releases)):
        found.setdefault(release.name, []).append(release)
    return found
