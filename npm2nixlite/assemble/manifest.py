"""The assembler's input: a JSON file that the Nix library writes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.npm_version import npm_version
from npm2nixlite.assemble.platform import Platform
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.assemble.package_json import Json

__all__ = ["Manifest", "parse_manifest", "read_manifest"]

_GROUPS = frozenset({"dev", "optional", "peer"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What to assemble.

    Attributes:
        packages: Install path → ``tarball`` (a file), ``tree`` (a git dependency's files, see
            `npm2nixlite.assemble.trees`), ``directory`` (a local dependency's files) or ``link``
            (a target's install path), and the lock's fields of the package. An entry with none
            of these comes in another's tarball, or stays unfilled.
        omit: Groups to leave out: ``dev``, ``optional``, ``peer``.
        platform: What to install for.
        lock: The lock the packages are from; without it, npm's ``.package-lock.json`` is not
            written, and what only a left-out optional package needs stays.
        package_json: The project's ``package.json``; a lock of version 1 lacks what it says.
        scripts: Install paths of the packages whose install scripts may run.
        workspaces: Directories or names of the workspaces to install for, and for nothing else of
            the project; empty for all of it.
    """

    packages: Mapping[str, Json]
    omit: frozenset[str]
    platform: Platform
    lock: Path | None = None
    package_json: Path | None = None
    scripts: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        BuildError: See `parse_manifest`.
        InputError: It cannot be read, or is none.
    """
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"no manifest: {error}", where=str(path)) from error
    try:
        return parse_manifest(value)
    except InputError as error:
        raise error.within(str(path)) from error


def parse_manifest(value: object) -> Manifest:
    """Check a manifest's JSON.

    Raises:
        BuildError: It names a Node.js to take npm's version from, and there is no npm.
        InputError: A field is missing or of a wrong type.
    """
    if not isinstance(value, dict):
        raise InputError("a manifest is an object")
    packages = value.get("packages")
    if not isinstance(packages, dict):
        raise InputError("a manifest needs 'packages'")
    for location, entry in packages.items():
        if not isinstance(entry, dict):
            raise InputError("an entry is an object", where=location)
        _check_location(location)
    omit = frozenset(_texts(value, "omit"))
    if not omit <= _GROUPS:
        raise InputError(
            f"unknown group in omit: {', '.join(sorted(omit - _GROUPS))}",
            hint=f"npm knows {', '.join(sorted(_GROUPS))}",
        )
    lock, package_json = _text(value, "lock"), _text(value, "packageJson")
    npm, nodejs = _text(value, "npm"), _text(value, "nodejs")
    if npm is None and nodejs is not None:
        npm = npm_version(Path(nodejs))
    return Manifest(
        packages=packages,
        omit=omit,
        platform=Platform(
            os=_text(value, "os") or "linux",
            cpu=_text(value, "cpu") or "x64",
            libc=_text(value, "libc"),
            node=_text(value, "node"),
            npm=npm,
        ),
        lock=Path(lock) if lock else None,
        package_json=Path(package_json) if package_json else None,
        scripts=_texts(value, "scripts"),
        workspaces=_texts(value, "workspaces"),
    )


def _check_location(location: str) -> None:
    # a link's target may stand beside the project; nothing is written there
    parts = re.sub(r"^(\.\./)+", "", location).split("/")
    if {"", ".", ".."} & set(parts):
        raise InputError("no install path", where=repr(location))


def _text(value: Json, key: str) -> str | None:
    text = value.get(key)
    if text is not None and not isinstance(text, str):
        raise InputError(f"{key!r} is a string")
    return text


def _texts(value: Json, key: str) -> tuple[str, ...]:
    texts = value.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"{key!r} is a list of strings")
    return tuple(texts)
