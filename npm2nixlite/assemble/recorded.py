"""What a generated file records of a project besides its packages, for who assembles the tree."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.assemble.package_json import Json

__all__ = ["Recorded", "parse_recorded"]

_FLAGS = frozenset({"bin-links", "engine-strict", "legacy-peer-deps"})
_SETTINGS = _FLAGS | {"omit", "os", "cpu", "libc"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded.

    Attributes:
        settings: Of the project's ``.npmrc``, what changes the tree: npm's name → ``true`` or
            ``false``, a word, or (``omit``) several with a space between them. Those that are as
            they are by default are left out.
        manifests: Directory, empty for the project → JSON text: what its package.json says, where
            the lock says otherwise.
        removed: Install paths that npm takes out of the tree: a package further up does as well.
        layout: Indentation and newline of package.json, in which npm writes its notes, where those
            of the lock are others; empty where they are the same.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    manifests: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()

    def is_set(self, flag: str, *, default: bool = False) -> bool:
        """Whether a true-or-false setting is on."""
        return self.settings.get(flag, str(default).lower()) == "true"

    @property
    def omit(self) -> tuple[str, ...]:
        """The groups that ``.npmrc`` leaves out."""
        return tuple(self.settings.get("omit", "").split())

    def manifest(self, directory: str) -> Json | None:
        """What a directory's package.json says; None where that is what the lock says."""
        text = self.manifests.get(directory)
        return None if text is None else _json_object(directory, text)


def parse_recorded(value: object) -> Recorded:
    """Check what is recorded; absent fields are empty.

    Raises:
        InputError: A setting is unknown, or a field of a wrong type.
    """
    if not isinstance(value, dict):
        raise InputError("'recorded' is an object")
    settings, manifests = _texts_by_name(value, "settings"), _texts_by_name(value, "manifests")
    for name, text in settings.items():
        if name not in _SETTINGS:
            raise InputError(
                f"unknown setting {name!r}", hint=f"known are {', '.join(sorted(_SETTINGS))}"
            )
        if name in _FLAGS and text not in {"true", "false"}:
            raise InputError(f"the setting {name!r} is {text!r}", hint='give "true" or "false"')
    for directory, text in manifests.items():
        _json_object(directory, text)
    layout = _list(value, "layout")
    if layout and (len(layout) != 2 or "".join(layout).strip()):
        raise InputError("'layout' is an indentation and a newline")
    return Recorded(settings, manifests, _list(value, "removed"), layout)


def _json_object(directory: str, text: str) -> Json:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"no JSON: {error}", where=("manifests", directory or ".")) from error
    if not isinstance(package, dict):
        raise InputError("a package.json is an object", where=("manifests", directory or "."))
    return package


def _texts_by_name(value: Json, key: str) -> dict[str, str]:
    found = value.get(key, {})
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError(f"{key!r} is an object with strings")
    return found


def _list(value: Json, key: str) -> tuple[str, ...]:
    found = value.get(key, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise InputError(f"{key!r} is a list of strings")
    return tuple(found)
