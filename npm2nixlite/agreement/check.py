"""Whether a lock still agrees with the ``package.json`` files it was made from.

``npm ci`` refuses a lock that does not: it reads the root project's package.json and that of every
directory that a link leads to, and looks whether the lock has what they, and its own packages, ask
for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from posixpath import join, normpath
from typing import TYPE_CHECKING

from npm2nixlite.agreement.manifests import Manifest, read_manifests
from npm2nixlite.agreement.unmet import broken_edges
from npm2nixlite.errors import InputError
from npm2nixlite.lock.model import (
    GitRevision,
    Link,
    LocalDirectory,
    LocalTarball,
    Lock,
    Missing,
    Package,
    RegistryTarball,
    UrlTarball,
)
from npm2nixlite.versions import in_range, is_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Disagreement", "check_agreement", "disagreements"]

_SPEC_WITH_PLACE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:|[~.]{0,2}/|[^@/:]+/[^/]+|.*\.t(?:ar\.)?gz$"
)
_ALIAS = re.compile(r"npm:(?:@[^/@]+/)?[^/@]+(?:@(?P<wanted>.*))?", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40,64}", re.IGNORECASE)
_SHOWN = 20  # lines of one message; a lock of another project differs in everything


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What a package.json or a package asks for, and what the lock has instead (None: nothing)."""

    manifest: str
    name: str
    wanted: str
    found: str | None

    def __str__(self) -> str:
        what = f"{self.manifest} asks for {self.name}@{self.wanted or '*'}"
        if self.found is None:
            return f"{what}, which is not in the lock"
        return f"{what}, the lock has {self.found}"


def check_agreement(lock: Lock, *, peers: bool = True) -> tuple[str, ...]:
    """Refuse a lock that is out of step with the package.json files beside it, as npm ci does.

    Args:
        lock: A lock at its place; without a package.json beside it there is nothing to compare.
        peers: Whether peer dependencies count (not under npm's ``legacy-peer-deps``).

    Returns:
        What the lock has and package.json no longer asks for: npm ci leaves it out, unless
        something else needs it, and says nothing.

    Raises:
        InputError: It is; the message lists what differs. Or a package.json cannot be read.
    """
    directory = Path(lock.file).parent
    manifests = read_manifests(lock, directory, peers=peers)
    found = list(disagreements(lock, manifests, peers=peers))
    if not found:
        return tuple(
            name
            for place, manifest in manifests.items()
            for name in lock.requested.get(place, {})
            if name not in manifest.mentioned
        )
    lines = [f"  {item}" for item in found[:_SHOWN]]
    if found[_SHOWN:]:
        lines.append(f"  … and {len(found) - _SHOWN:,} more")
    raise InputError(
        "\n".join(("the lock is out of step with package.json:", *lines)),
        where=lock.file,
        hint="npm ci refuses it, too; 'npm install --package-lock-only' brings it up to date",
    )


def disagreements(
    lock: Lock, manifests: Mapping[str, Manifest], *, peers: bool = True
) -> Iterator[Disagreement]:
    """What package.json files, and the lock's own packages, ask for that a lock does not have.

    Args:
        lock: The lock.
        manifests: Directory → its package.json; see `npm2nixlite.agreement.manifests`.
        peers: Whether what packages ask of who depends on them counts.
    """
    entries = {entry.install_path: entry for entry in lock.entries}
    for directory, manifest in manifests.items():
        recorded = lock.requested.get(directory, {})
        for name, target in manifest.workspaces.items():
            entry = _found(entries, directory, name)
            if not isinstance(entry, Link) or entry.target != target:
                yield Disagreement(manifest.file, name, f"file:{target}", _shown(entry))
        for name, wanted in manifest.requested.items():
            if name in manifest.workspaces or name in manifest.overridden:
                continue
            entry = _found(entries, directory, name)
            if entry is None:
                yield Disagreement(manifest.file, name, wanted, None)
                continue
            version = _version(entry, entries, manifests)
            if not _satisfies(entry, version, wanted, recorded.get(name), directory):
                yield Disagreement(manifest.file, name, wanted, _shown(entry))
    for edge in broken_edges(lock, manifests, peers=peers):
        source = f"{edge.source}, under overrides," if edge.overridden else edge.source
        yield Disagreement(source, edge.name, edge.wanted, _shown(edge.target))


def _found(
    entries: Mapping[str, Package | Link], directory: str, name: str
) -> Package | Link | None:
    """What Node.js finds under a name from a directory of the project."""
    place = directory
    while True:
        entry = entries.get(join(place, "node_modules", name))
        if entry is not None or not place or place.endswith(".."):
            return entry
        place = place.rpartition("/")[0]


def _shown(entry: Package | Link | None) -> str | None:
    match entry:
        case None:
            return None
        case Link():
            return f"a link to {entry.target or '.'}"
        case Package(source=GitRevision(url)):
            return url
        case Package(source=UrlTarball(url)) if entry.version is None:
            return url
        case _:
            return f"{entry.name}@{entry.version}"


def _satisfies(
    entry: Package | Link, version: str | None, wanted: str, recorded: str | None, directory: str
) -> bool:
    """Whether npm would keep an entry for what is asked, as its arborist's ``dep-valid`` does."""
    alias = _ALIAS.fullmatch(wanted)
    if alias:
        wanted = alias["wanted"] or "*"
    elif _SPEC_WITH_PLACE.match(wanted):
        return recorded == wanted or _is_at(entry, wanted, recorded, directory)
    if isinstance(entry, Package) and isinstance(entry.source, Missing):
        return True
    if wanted in {"", "*"}:
        return True
    if not is_range(wanted):  # a tag, which only a registry could judge
        return isinstance(entry, Package) and not isinstance(entry.source, GitRevision)
    return version is not None and in_range(version, wanted)


def _is_at(entry: Package | Link, wanted: str, recorded: str | None, directory: str) -> bool:
    """Whether an entry comes from the place that is asked for."""
    place = normpath(join(directory, re.sub(r"^(file:|link:)(//)?", "", wanted)))
    match entry:
        case Link():
            return (entry.target or ".") == place
        case Package(source=LocalTarball(path) | LocalDirectory(path)):
            return normpath(path) == place
        case Package(source=UrlTarball(url)):
            return url == wanted.partition("#")[0]
        case Package(source=RegistryTarball() as source):
            return source.base is not None and f"{source.base}{source.path}" == wanted
        case Package(source=GitRevision(url)):
            commit = wanted.rpartition("#")[2]
            if _COMMIT.fullmatch(commit):
                return url.rpartition("#")[2] == commit
            return recorded is None  # version 1 does not say what was asked for
        case _:
            return recorded is None


def _version(
    entry: Package | Link,
    entries: Mapping[str, Package | Link],
    manifests: Mapping[str, Manifest],
) -> str | None:
    if isinstance(entry, Package):
        return entry.version
    if entry.target in manifests:
        return manifests[entry.target].version
    target = entries.get(entry.target)
    return target.version if isinstance(target, Package) else None
