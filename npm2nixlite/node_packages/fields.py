"""The fields of a generated file, each checked as strictly as the lock's own are."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from npm2nixlite.errors import InputError
from npm2nixlite.integrity import Integrity, parse_integrity
from npm2nixlite.lock.git import GitTree, git_tree
from npm2nixlite.lock.path import check_relative_path
from npm2nixlite.lock.source import git_without_credentials, http_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.node_packages.syntax import Value

__all__ = [
    "EntryFields",
    "check_inside",
    "read_base",
    "read_hash",
    "read_lock_hash",
    "read_path",
    "read_relative_address",
    "read_tree",
    "read_url",
]

_LOCK_HASH = re.compile(r"sha256:([0-9a-f]{64})")


class EntryFields:
    """An attribute set, taken apart field by field; what is left over is an error.

    Args:
        values: What was read.
    """

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._left = dict(values)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def optional_text(self, name: str) -> str | None:
        """A string; None where it is absent or null."""
        value = self._left.pop(name, None)
        if value is not None and not isinstance(value, str):
            raise _wrong_type(name, "a string")
        return value

    def text(self, name: str) -> str:
        """A string that must be there."""
        value = self.optional_text(name)
        if value is None:
            raise InputError(f"its {name!r} is missing")
        return value

    def flag(self, name: str) -> bool:
        """Whether it is true; what is not true is absent."""
        if name not in self._left:
            return False
        if self._left.pop(name) is not True:
            raise _wrong_type(name, "true")
        return True

    def truth(self, name: str) -> bool:
        """True or false; must be there."""
        value = self._left.pop(name, None)
        if not isinstance(value, bool):
            raise _wrong_type(name, "true or false")
        return value

    def number(self, name: str) -> int:
        """A natural number that must be there."""
        value = self._left.pop(name, None)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(name, "a number")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where it is absent."""
        value = self._left.pop(name, ())
        if isinstance(value, tuple):
            texts = tuple(item for item in value if isinstance(item, str))
            if len(texts) == len(value):
                return texts
        raise _wrong_type(name, "a list of strings")

    def optional_set(self, name: str) -> EntryFields:
        """An attribute set; empty where it is absent."""
        value = self._left.pop(name, {})
        if not isinstance(value, dict):
            raise _wrong_type(name, "an attribute set")
        return EntryFields(value)

    def strings(self) -> dict[str, str]:
        """Every field that is left, each of them a string."""
        return {name: self.text(name) for name in [*self._left]}

    def sets(self, name: str) -> tuple[EntryFields, ...]:
        """A list of attribute sets; must be there."""
        value = self._left.pop(name, None)
        if isinstance(value, tuple):
            sets = tuple(EntryFields(item) for item in value if isinstance(item, dict))
            if len(sets) == len(value):
                return sets
        raise _wrong_type(name, "a list of attribute sets")

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        for name in self._left:
            raise InputError(
                f"its {name!r} means nothing to this npm2nixlite",
                hint="a newer one may have written it: update npm2nixlite, or make the file anew "
                "with 'npm2nixlite generate'",
            )


def read_hash(name: str, text: str, algorithm: str) -> Integrity:
    """One SRI hash, spelled as this program spells it."""
    try:
        (found,) = parse_integrity(text)
    except (InputError, ValueError):
        found = None
    if found is None or found.algorithm != algorithm or str(found) != text:
        raise InputError(f"its {name!r} is {text!r}, which is no {algorithm} hash")
    return found


def read_lock_hash(text: str) -> str:
    """The base-16 digits of a lock's hash."""
    match = _LOCK_HASH.fullmatch(text)
    if match is None:
        raise InputError(f"its 'lockHash' is {text!r}, which is no sha256 hash in base 16")
    return match[1]


def read_url(text: str) -> str:
    """A whole http(s) address."""
    if http_address(text) != text:
        raise InputError(f"the address {text!r} is not normal")
    return text


def read_base(text: str) -> str:
    """A registry base."""
    if not text.endswith("/"):
        raise InputError(f"the registry base {text!r} does not end with a slash")
    return read_url(text)


def read_relative_address(text: str) -> str:
    """A tarball's path below whatever registry base."""
    base = "https://registry.example/"
    if not text or http_address(base + text) != base + text:
        raise InputError(f"the path {text!r} below the registry base is malformed")
    return text


def read_path(text: str) -> str:
    """A path relative to the lock's directory, which may begin with ``../``."""
    check_relative_path(text, may_leave=True)
    return text


def read_tree(url: str, rev: str, directory: str) -> GitTree:
    """A git tree whose address, commit and directory are such as a lock's can be."""
    whole = url if re.match(r"[a-z]+://", url) else f"ssh://{url}"
    address = f"git+{whole}#{rev}"
    if directory:
        address += f"::path:{quote(directory)}"
    if git_without_credentials(address) != address:
        raise InputError("the address of its git repository carries credentials")
    tree = git_tree(address)
    if isinstance(tree, str):
        raise InputError(f"its git repository cannot be fetched: {tree}")
    if (tree.url, tree.rev, tree.directory) != (url, rev, directory):
        raise InputError(f"the address {url!r} of its git repository is not normal")
    return tree


def check_inside(tree: GitTree, path: str) -> None:
    """Refuse what is not in a git tree, though it is relative to its directory."""
    if posixpath.normpath(posixpath.join(tree.directory, path)).split("/")[0] == "..":
        raise InputError(f"the path {path!r} is not in its repository")


def _wrong_type(name: str, expected: str) -> InputError:
    return InputError(f"its {name!r} is not {expected}")
