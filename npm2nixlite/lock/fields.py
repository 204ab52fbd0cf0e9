"""Typed access to a JSON object of unknown make: a wrong type is an error that names the field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["DEPENDENCY_GROUPS", "Fields"]

DEPENDENCY_GROUPS = (
    "peerDependencies",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
)
"""What a project's package.json can ask for, the group that wins last (as in npm's arborist)."""

# Neither a Nix string nor a UTF-8 file can hold these.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


class Fields:
    """A JSON object, read field by field.

    Args:
        value: What the JSON has; null counts as an empty object.

    Raises:
        InputError: It is no object.
    """

    def __init__(self, value: object) -> None:
        if value is not None and not isinstance(value, dict):
            raise InputError(f"expected an object, found {_kind(value)}")
        self._fields: dict[str, object] = value or {}

    def __contains__(self, key: str) -> bool:
        return key in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def raw(self, key: str) -> object:
        """A field as it is; None where it is absent."""
        return self._fields.get(key)

    def fields(self, key: str) -> Fields:
        """A field that is an object; empty where it is absent."""
        try:
            return Fields(self._fields.get(key))
        except InputError as error:
            raise error.within(key) from error

    def flag(self, key: str) -> bool:
        """A field that is true or false; false where it is absent."""
        value = self._fields.get(key, False)
        if not isinstance(value, bool):
            raise _wrong_type(key, "true or false", value)
        return value

    def text(self, key: str) -> str | None:
        """A field that is a string; None where it is absent, null or false (npm 5 wrote that)."""
        value = self._fields.get(key)
        if value is None or value is False:
            return None
        return _text(key, value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A field that is a list of strings, or one string; empty where it is absent."""
        value = self._fields.get(key)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        return tuple(_text(key, item) for item in values)

    def requested(self, groups: Collection[str] = DEPENDENCY_GROUPS) -> Mapping[str, str]:
        """Name → what a package.json asks for; of several groups with one name the last counts."""
        found: dict[str, str] = {}
        for group in groups:
            value = self._fields.get(group)
            if isinstance(value, dict):
                found.update((name, spec) for name, spec in value.items() if isinstance(spec, str))
        return found

    def depended_on(self) -> Mapping[str, str]:
        """Name → what a package asks for, optional or not; what it bundles aside."""
        found = self.requested(("dependencies", "optionalDependencies"))
        bundled = self._fields.get("bundleDependencies")
        if not bundled:
            return found
        if not isinstance(bundled, list):
            return {}
        return {name: wanted for name, wanted in found.items() if name not in bundled}

    def required_peers(self) -> Mapping[str, str]:
        """Name → what a package asks of who depends on it, the optional aside."""
        peers = self.requested(("peerDependencies",))
        about = self._fields.get("peerDependenciesMeta")
        if not peers or not isinstance(about, dict):
            return peers

        def at_will(name: str) -> bool:
            meta = about.get(name)
            return isinstance(meta, dict) and bool(meta.get("optional"))

        return {name: wanted for name, wanted in peers.items() if not at_will(name)}

    def engines(self) -> Mapping[str, str]:
        """Tool → version range; old packages give a list here, which npm ignores."""
        value = self._fields.get("engines")
        if isinstance(value, list | str):
            return {}
        return self._mapping("engines")

    def bin(self, name: str) -> Mapping[str, str]:
        """Command → file; a single string stands for a command of the package's name."""
        value = self._fields.get("bin")
        if isinstance(value, str):
            return {name.rpartition("/")[2]: _text("bin", value)}
        return self._mapping("bin")

    def _mapping(self, key: str) -> Mapping[str, str]:
        value = self.fields(key)
        return {item: _text(f"{key}.{item}", value.raw(item)) for item in value}


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type(key, "a string", value)
    if _UNWRITABLE.search(value):
        raise InputError(f"the field {key!r} has a NUL or half a surrogate pair")
    return value


def _wrong_type(key: str, expected: str, value: object) -> InputError:
    return InputError(f"the field {key!r} is {_kind(value)}, expected {expected}")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
