"""``npm2nixlite.toml``: which projects a repository has, and how each is translated."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.files import read_file, reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PROJECT_FILE", "Project", "read_project_file"]

PROJECT_FILE = "npm2nixlite.toml"


@dataclass(frozen=True, slots=True)
class Project:
    """A project, and what holds for it alone; the command line's options hold besides.

    Attributes:
        path: A directory with a lock, or a lock.
        output: The file to write; None for the usual one beside the lock.
        registry: Goes before every configured registry base.
        omit_registry: Write no default for the argument ``registry``.
        require_canonical: Refuse a lock with blockers.
        require_sha512: Refuse a lock that vouches for a tarball with less than sha512.
    """

    path: Path
    output: Path | None = None
    registry: str | None = None
    omit_registry: bool = False
    require_canonical: bool = False
    require_sha512: bool = False


_TEXTS = ("path", "output", "registry")
_FLAGS = ("omit-registry-resolved", "require-canonical", "require-sha512")


def read_project_file(file: Path) -> tuple[Project, ...]:
    """Read one; its paths are relative to its directory.

    Raises:
        InputError: It cannot be read, or says something that has no meaning.
    """
    try:
        content = tomllib.loads(read_file(file, 16 << 20).decode())
    except RecursionError:
        raise InputError("nested too deep", where=str(file)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {reason(error)}", where=str(file)) from error
    unknown = sorted(set(content) - {"project"})
    tables = content.get("project")
    if unknown or not isinstance(tables, list) or not tables:
        what = f"unknown key {unknown[0]!r}" if unknown else "it names no project"
        raise InputError(what, where=str(file), hint='expected [[project]], with path = "…"')
    projects = []
    for number, table in enumerate(tables, 1):
        try:
            projects.append(_project(table, file.parent))
        except InputError as error:
            raise error.within(f"project {number}").within(str(file)) from error
    outputs = [project.output or project.path for project in projects]
    twice = next((path for path in outputs if outputs.count(path) > 1), None)
    if twice is not None:
        raise InputError(f"two projects write to {twice}", where=str(file))
    return tuple(projects)


def _project(table: object, directory: Path) -> Project:
    if not isinstance(table, dict):
        raise InputError("expected a table, [[project]]")
    unknown = sorted(set(table) - {*_TEXTS, *_FLAGS})
    if unknown:
        known = ", ".join((*_TEXTS, *_FLAGS))
        raise InputError(f"unknown key {unknown[0]!r}", hint=f"there are {known}")
    path, output = _text(table, "path"), _text(table, "output")
    if path is None:
        raise InputError("it has no path", hint='path = "." is the directory of this file')
    return Project(
        path=directory / path,
        output=None if output is None else directory / output,
        registry=_text(table, "registry"),
        omit_registry=_flag(table, "omit-registry-resolved"),
        require_canonical=_flag(table, "require-canonical"),
        require_sha512=_flag(table, "require-sha512"),
    )


def _text(table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{key} is {value!r}, expected a string")
    return value


def _flag(table: Mapping[str, object], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise InputError(f"{key} is {value!r}, expected true or false")
    return value
