"""What the ``package.json`` files of a project ask for, read from disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from posixpath import join
from typing import TYPE_CHECKING

from npm2nixlite.agreement.overrides import read_overrides
from npm2nixlite.errors import InputError
from npm2nixlite.lock.fields import DEPENDENCY_GROUPS, Fields
from npm2nixlite.lock.model import Link, Lock
from npm2nixlite.pack.workspaces import workspace_directories

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Manifest", "read_manifests"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package.json asks for.

    Attributes:
        directory: Its directory, relative to the lock's; empty for the root project.
        version: The project's own, where it gives one.
        requested: Name → what is asked for.
        workspaces: Name → directory, of the workspaces it names; only the root project has any.
        mentioned: Every name in it, those included that npm does not hold a lock against.
        overridden: Names whose versions the root project's ``overrides`` decide.
        overrides: The ``overrides`` themselves; only the root project has any.
    """

    directory: str
    version: str | None
    requested: Mapping[str, str]
    workspaces: Mapping[str, str]
    mentioned: frozenset[str]
    overridden: frozenset[str]
    overrides: Mapping[str, object] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Its path, relative to the lock's directory."""
        return join(self.directory, "package.json")


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
    overridden = frozenset(read_overrides(_overrides(root)).names())
    workspaces = _workspaces(root, directory)
    manifests = {
        "": Manifest(
            directory="",
            version=_own_version(root),
            requested=_requested(root, peers),
            workspaces=workspaces,
            mentioned=frozenset(root.requested()),
            overridden=frozenset(),
            overrides=_overrides(root),
        )
    }
    for entry in lock.entries:
        if not isinstance(entry, Link) or not entry.target:
            continue
        if not {"..", "node_modules"}.isdisjoint(entry.target.split("/")):
            continue  # npm takes the lock's word for what is outside the project
        fields = _read(directory / entry.target / "package.json")
        if fields is not None:
            manifests[entry.target] = Manifest(
                directory=entry.target,
                version=_own_version(fields),
                requested=_requested(fields, peers),
                workspaces={},
                mentioned=frozenset(fields.requested()),
                overridden=overridden,
            )
    return manifests


def _read(path: Path) -> Fields | None:
    if path.is_char_device() or path.is_fifo():
        return None  # a link in somebody's repository; reading it might never end
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


def _overrides(fields: Fields) -> Mapping[str, object]:
    value = fields.raw("overrides")
    return value if isinstance(value, dict) else {}


def _object(fields: Fields, key: str) -> Fields:
    value = fields.raw(key)
    return Fields(value if isinstance(value, dict) else None)


def _workspaces(fields: Fields, directory: Path) -> dict[str, str]:
    """Name → directory of the workspaces."""
    found: dict[str, str] = {}
    for relative in workspace_directories(directory, fields.raw("workspaces")):
        workspace = _read(directory / relative / "package.json")
        if workspace is not None:
            found[str(workspace.raw("name") or relative.rpartition("/")[2])] = relative
    return found
