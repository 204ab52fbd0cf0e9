"""Look at a project: what it is made of, and what it has already."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.model import GitRevision, Package
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.pack.workspaces import workspace_directories
from npm2nixlite.versions import in_range

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["NODE_MAJORS", "ProjectFacts", "WorkspaceFacts", "inspect_project"]

NODE_MAJORS = (24, 22, 20)
"""Major versions of Node.js that nixpkgs has an attribute for, the preferred one first."""

_LATEST_OF_MAJOR = "{}.99.99"  # engines name the oldest that will do, hardly ever the newest
_MOST = 1 << 24  # bytes of a package.json


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """A workspace.

    Attributes:
        directory: Relative to the project's.
        name: The package's.
        builds: Whether it has a script ``build``.
        has_commands: Whether it has ``bin``.
    """

    directory: str
    name: str
    builds: bool
    has_commands: bool


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project.

    Attributes:
        directory: Where its package.json is.
        lock: The lock's name: ``package-lock.json`` or ``npm-shrinkwrap.json``.
        name: The package's name, or the directory's.
        version: The package's version; ``0.0.0`` where it gives none.
        builds: Whether it has a script ``build``.
        workspaces: In the order of their directories.
        node_major: The major version of Node.js that its ``engines`` want; None for any.
        scripts: Install paths of packages that run a script when npm installs them.
        git: Install paths of packages that come from git.
    """

    directory: Path
    lock: str
    name: str
    version: str
    builds: bool
    workspaces: tuple[WorkspaceFacts, ...]
    node_major: int | None
    scripts: tuple[str, ...]
    git: tuple[str, ...]


def inspect_project(directory: Path) -> ProjectFacts:
    """Look at a project.

    Args:
        directory: Of its package.json and lock.

    Raises:
        InputError: It has no package.json or no lock, or one of them cannot be read.
    """
    lock_file = find_lock(directory)
    if lock_file.parent != directory:
        raise InputError(
            "not a directory", where=str(directory), hint="name the directory of package.json"
        )
    lock = read_lock(lock_file)
    fields = _package_json(directory / "package.json")
    packages = [entry for entry in lock.entries if isinstance(entry, Package)]
    return ProjectFacts(
        directory=directory,
        lock=lock_file.name,
        name=_text(fields, "name") or lock.project_name or directory.resolve().name,
        version=_text(fields, "version") or "0.0.0",
        builds="build" in _object(fields, "scripts"),
        workspaces=tuple(_workspaces(directory, fields)),
        node_major=_node_major(_text(_object(fields, "engines"), "node")),
        scripts=tuple(item.install_path for item in packages if item.has_install_script),
        git=tuple(item.install_path for item in packages if isinstance(item.source, GitRevision)),
    )


def _workspaces(directory: Path, fields: Mapping[str, Any]) -> list[WorkspaceFacts]:
    found = []
    for relative in sorted(workspace_directories(directory, fields.get("workspaces"))):
        file = directory / relative / "package.json"
        if not file.is_file():
            continue
        own = _package_json(file)
        found.append(
            WorkspaceFacts(
                directory=relative,
                name=_text(own, "name") or relative.rpartition("/")[2],
                builds="build" in _object(own, "scripts"),
                has_commands=bool(own.get("bin")),
            )
        )
    return found


def _package_json(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as content:
            text = content.read(_MOST)
        fields = json.loads(text.decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(
            "there is no package.json", where=str(file.parent), hint="make one with 'npm init'"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read: {error}", where=str(file)) from error
    if not isinstance(fields, dict):
        raise InputError("it is not a JSON object", where=str(file))
    return fields


def _object(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = fields.get(key)
    return value if isinstance(value, dict) else {}


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) and re.fullmatch(r"[\x20-\x7e]+", value) else ""


def _node_major(wanted: str) -> int | None:
    if not wanted:
        return None
    for major in NODE_MAJORS:
        if in_range(_LATEST_OF_MAJOR.format(major), wanted):
            return major
    return None
