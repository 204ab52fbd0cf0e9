"""The ``package.json`` files that npm reads beside a lock: the project's, and its directories'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.assemble.package_json import Json, normalize
from npm2nixlite.errors import InputError
from npm2nixlite.files import parse_json
from npm2nixlite.lock.model import Link, Lock
from npm2nixlite.pack.workspaces import workspace_directories

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Manifests", "read_manifests"]


@dataclass(frozen=True, slots=True)
class Manifests:
    """What the package.json files of a project say, normalised.

    Attributes:
        root: The project's own.
        directories: Directory, relative to the lock's → the one of what a link leads to.
        workspaces: Name → directory, of the workspaces that the project names and that are there.
    """

    root: Json
    directories: Mapping[str, Json]
    workspaces: Mapping[str, str]


def read_manifests(lock: Lock, directory: Path) -> Manifests | None:
    """Read them; None where the project's own is not there.

    Args:
        lock: Its links lead to the others.
        directory: The lock's.

    Raises:
        InputError: One cannot be read, or is none.
    """
    root = _read(directory / "package.json")
    if root is None:
        return None
    directories: dict[str, Json] = {}
    for entry in lock.entries:
        if not isinstance(entry, Link) or not entry.target or entry.target in directories:
            continue
        if not {"..", "node_modules"}.isdisjoint(entry.target.split("/")):
            continue  # what is outside the project is not looked at: the lock is taken at its word
        fields = _read(directory / entry.target / "package.json")
        if fields is not None:
            directories[entry.target] = normalize(fields)
    return Manifests(normalize(root), directories, _workspaces(root, directory))


def _read(path: Path) -> Json | None:
    if path.is_char_device() or path.is_fifo():
        return None  # a link in somebody's repository; reading it might never end
    try:
        value = parse_json(path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    if value is not None and not isinstance(value, dict):
        raise InputError("a package.json is an object", where=str(path))
    return value or {}


def _workspaces(root: Json, directory: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for relative in workspace_directories(directory, root.get("workspaces")):
        workspace = _read(directory / relative / "package.json")
        if workspace is not None:
            found[str(workspace.get("name") or relative.rpartition("/")[2])] = relative
    return found
