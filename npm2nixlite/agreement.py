"""Whether a lock still agrees with the ``package.json`` files it was made from.

``npm ci`` refuses a lock that does not: it reads the root project's package.json and that of every
directory that a link leads to, and looks whether the lock has what they ask for.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from posixpath import join, normpath
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.lock import (
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
from npm2nixlite.lock.fields import DEPENDENCY_GROUPS, Fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Disagreement", "Manifest", "check_agreement", "disagreements", "read_manifests"]

_SPEC_WITH_PLACE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:|[~.]{0,2}/|[^@/:]+/[^/]+|.*\.t(?:ar\.)?gz$"
)
_ALIAS = re.compile(r"npm:(?:@[^/@]+/)?[^/@]+(?:@(?P<wanted>.*))?", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40,64}", re.IGNORECASE)
_SHOWN = 20  # lines of one message; a lock of another project differs in everything


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package.json asks for.

    Attributes:
        directory: Its directory, relative to the lock's; empty for the root project.
        version: The project's own, where it gives one.
        requested: Name → what is asked for.
        workspaces: Name → directory, of the workspaces it names; only the root project has any.
        overridden: Names whose versions the root project's ``overrides`` decide.
    """

    directory: str
    version: str | None
    requested: Mapping[str, str]
    workspaces: Mapping[str, str]
    overridden: frozenset[str]

    @property
    def file(self) -> str:
        """Its path, relative to the lock's directory."""
        return join(self.directory, "package.json")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What one package.json asks for, and what the lock has instead (None: nothing)."""

    manifest: str
    name: str
    wanted: str
    found: str | None

    def __str__(self) -> str:
        what = f"{self.manifest} asks for {self.name}@{self.wanted or '*'}"
        return (
            f"{what}, which is not in the lock"
            if self.found is None
            else (f"{what}, the lock has {self.found}")
        )


def check_agreement(lock: Lock, *, peers: bool = True) -> None:
    """Refuse a lock that is out of step with the package.json files beside it, as npm ci does.

    Args:
        lock: A lock at its place; without a package.json beside it there is nothing to compare.
        peers: Whether peer dependencies count (not under npm's ``legacy-peer-deps``).

    Raises:
        InputError: It is; the message lists what differs. Or a package.json cannot be read.
    """
    directory = Path(lock.file).parent
    found = list(disagreements(lock, read_manifests(lock, directory, peers=peers)))
    if not found:
        return
    lines = [f"  {item}" for item in found[:_SHOWN]]
    if found[_SHOWN:]:
        lines.append(f"  … and {len(found) - _SHOWN:,} more")
    raise InputError(
        "\n".join(("the lock is out of step with package.json:", *lines)),
        where=lock.file,
        hint="npm ci refuses it, too; 'npm install --package-lock-only' brings it up to date",
    )


def disagreements(lock: Lock, manifests: Mapping[str, Manifest]) -> Iterator[Disagreement]:
    """What package.json files ask for that a lock does not have.

    Args:
        lock: The lock.
        manifests: Directory → its package.json; see `read_manifests`.
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


def read_manifests(lock: Lock, directory: Path, *, peers: bool = True) -> dict[str, Manifest]:
    """The package.json files that npm compares a lock with; empty where the root's is not there.

    Args:
        lock: Its links lead to the others.
        directory: The lock's.
        peers: Whether peer dependencies count.

    Raises:
        InputError: One cannot be read, or is none.
    """
    root = _read(directory / "package.json")
    if root is None:
        return {}
    overridden = frozenset(key.lstrip("$").split("@")[0] for key in _overrides(root))
    workspaces = _workspaces(root, directory)
    manifests = {
        "": Manifest("", _own_version(root), _requested(root, peers), workspaces, frozenset())
    }
    for entry in lock.entries:
        if not isinstance(entry, Link) or not entry.target:
            continue
        if not {"..", "node_modules"}.isdisjoint(entry.target.split("/")):
            continue  # npm takes the lock's word for what is outside the project
        fields = _read(directory / entry.target / "package.json")
        if fields is not None:
            manifests[entry.target] = Manifest(
                entry.target, _own_version(fields), _requested(fields, peers), {}, overridden
            )
    return manifests


def _read(path: Path) -> Fields | None:
    try:
        return Fields(json.loads(path.read_bytes().decode("utf-8-sig")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    except InputError as error:
        raise error.within(str(path)) from error


def _requested(fields: Fields, peers: bool) -> dict[str, str]:
    groups = [group for group in DEPENDENCY_GROUPS if peers or group != "peerDependencies"]
    optional_peers = {
        name
        for name in _object(fields, "peerDependenciesMeta")
        if fields.fields("peerDependenciesMeta").fields(name).raw("optional")
    }
    # npm ci trusts the lock for these, whatever it has.
    others = fields.requested([group for group in groups if group != "peerDependencies"])
    bundled = fields.raw("bundleDependencies") or fields.raw("bundledDependencies")
    return {
        name: wanted
        for name, wanted in fields.requested(groups).items()
        if (name in others or name not in optional_peers)
        and not (isinstance(bundled, list) and name in bundled and "workspaces" not in fields)
    }


def _own_version(fields: Fields) -> str | None:
    version = fields.raw("version")
    return version if isinstance(version, str) else None


def _overrides(fields: Fields) -> Iterator[str]:
    return iter(_object(fields, "overrides"))


def _object(fields: Fields, key: str) -> Fields:
    value = fields.raw(key)
    return Fields(value if isinstance(value, dict) else None)


def _workspaces(fields: Fields, directory: Path) -> dict[str, str]:
    """Name → directory of the workspaces; patterns beyond plain globs are left to npm."""
    patterns = fields.raw("workspaces")
    if isinstance(patterns, dict):
        patterns = patterns.get("packages")
    found: dict[str, str] = {}
    for pattern in patterns if isinstance(patterns, list) else []:
        if not isinstance(pattern, str) or re.search(r"[{(!]", pattern):
            return {}
        plain = normpath(pattern.strip().strip("/"))
        for place in sorted(directory.glob(plain)) if plain != "." else []:
            relative = place.relative_to(directory).as_posix()
            workspace = None
            if "node_modules" not in relative.split("/"):
                workspace = _read(place / "package.json")
            if workspace is not None:
                found[str(workspace.raw("name") or place.name)] = relative
    return found


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
    if not _is_range(wanted):  # a tag, which only a registry could judge
        return isinstance(entry, Package) and not isinstance(entry.source, GitRevision)
    return version is not None and _in_range(version, wanted)


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


def _is_range(wanted: str) -> bool:
    import nodesemver

    return nodesemver.valid_range(wanted, loose=True) is not None


def _in_range(version: str, wanted: str) -> bool:
    import nodesemver

    return bool(nodesemver.satisfies(version, wanted, loose=True))
