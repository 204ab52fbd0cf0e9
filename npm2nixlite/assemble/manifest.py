"""The assembler's input: a JSON file that the Nix library writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.npm_version import npm_version
from npm2nixlite.assemble.platform import Platform
from npm2nixlite.assemble.recorded import Recorded, parse_recorded
from npm2nixlite.errors import InputError
from npm2nixlite.files import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from npm2nixlite.assemble.package_json import Json

__all__ = [
    "FromDirectory",
    "FromNowhere",
    "FromParent",
    "FromTarball",
    "FromTree",
    "LinkTo",
    "Manifest",
    "ManifestEntry",
    "Origin",
    "parse_manifest",
    "read_manifest",
]

_GROUPS = frozenset({"dev", "optional", "peer"})


@dataclass(frozen=True, slots=True)
class FromTarball:
    """A package that is unpacked from a file."""

    file: str


@dataclass(frozen=True, slots=True)
class FromTree:
    """A git dependency's files, which are packed first; see `npm2nixlite.assemble.trees`."""

    directory: str


@dataclass(frozen=True, slots=True)
class FromDirectory:
    """A local dependency's files."""

    directory: str


@dataclass(frozen=True, slots=True)
class LinkTo:
    """A link to another install path; empty for the project itself."""

    target: str


@dataclass(frozen=True, slots=True)
class FromParent:
    """What the tarball of a package above brings along."""


@dataclass(frozen=True, slots=True)
class FromNowhere:
    """What stays unfilled: left out, or a local dependency whose files nobody gave."""


Origin = FromTarball | FromTree | FromDirectory | LinkTo | FromParent | FromNowhere
"""Where what stands at an install path comes from."""

_ORIGINS: Mapping[str, Callable[[str], Origin]] = {
    "tarball": FromTarball,
    "tree": FromTree,
    "directory": FromDirectory,
    "link": LinkTo,
}


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """What stands at an install path.

    Attributes:
        origin: Where it comes from.
        fields: The lock's fields of the package, as far as they are known.
    """

    origin: Origin
    fields: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What to assemble.

    Attributes:
        packages: Install path → what stands there.
        omit: Groups to leave out: ``dev``, ``optional``, ``peer``.
        platform: What to install for.
        lock: The lock the packages are from; without it, npm's ``.package-lock.json`` is not
            written, and what only a left-out optional package needs stays.
        package_json: The project's ``package.json``; a lock of version 1 lacks what it says.
        scripts: Install paths of the packages whose install scripts may run.
        workspaces: Directories or names of the workspaces to install for, and for nothing else of
            the project; empty for all of it.
        recorded: What the generated file records of the project.
        host: What packages that may not be left out must fit, where that is another platform.
    """

    packages: Mapping[str, ManifestEntry]
    omit: frozenset[str]
    platform: Platform
    lock: Path | None = None
    package_json: Path | None = None
    scripts: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()
    recorded: Recorded = field(default_factory=Recorded)
    host: Platform | None = None

    def origin(self, location: str) -> Origin:
        """Where what stands at an install path comes from; from nowhere if it is not known."""
        entry = self.packages.get(location)
        return FromNowhere() if entry is None else entry.origin

    def directory(self, location: str) -> str | None:
        """The files of a local dependency at an install path; None for anything else."""
        origin = self.origin(location)
        return origin.directory if isinstance(origin, FromDirectory) else None


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        BuildError: See `parse_manifest`.
        InputError: It cannot be read, or is none.
    """
    try:
        value = parse_json(path.read_bytes())
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
    recorded = parse_recorded(value.get("recorded", {}))
    omit = frozenset(_texts(value, "omit") if "omit" in value else recorded.omit)
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
        packages={location: _entry(location, entry) for location, entry in packages.items()},
        omit=omit,
        platform=_platform(value, value, npm),
        lock=Path(lock) if lock else None,
        package_json=Path(package_json) if package_json else None,
        scripts=_texts(value, "scripts"),
        workspaces=_texts(value, "workspaces"),
        recorded=recorded,
        host=_platform(_object(value, "host"), value, npm) if "host" in value else None,
    )


def _entry(location: str, value: object) -> ManifestEntry:
    if not isinstance(value, dict):
        raise InputError("an entry is an object", where=location)
    _check_location(location)
    try:
        return ManifestEntry(_origin(value), {k: v for k, v in value.items() if k not in _ORIGINS})
    except InputError as error:
        raise error.within(location) from error


def _origin(value: Json) -> Origin:
    texts = {name: text for name in _ORIGINS if (text := _text(value, name)) is not None}
    if len(texts) > 1:
        raise InputError(f"an entry has one of {', '.join(texts)}")
    for name, text in texts.items():
        return _ORIGINS[name](text)
    return FromParent() if value.get("inBundle") is True else FromNowhere()


def _platform(value: Json, versions: Json, npm: str | None) -> Platform:
    return Platform(
        os=_text(value, "os") or "linux",
        cpu=_text(value, "cpu") or "x64",
        libc=_text(value, "libc"),
        node=_text(versions, "node"),
        npm=npm,
    )


def _object(value: Json, key: str) -> Json:
    found = value.get(key)
    if not isinstance(found, dict):
        raise InputError(f"{key!r} is an object")
    return found


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
