"""``node_modules/.package-lock.json``: npm's note of what it installed, byte for byte.

It mirrors arborist's ``shrinkwrap`` and ``json-stringify-nice``.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

from npm2nixlite.assemble.bundles import bundled_nodes
from npm2nixlite.assemble.collation import collation_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from npm2nixlite.assemble.npm_version import Rules
    from npm2nixlite.assemble.package_json import Json
    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["formatting", "hidden_lock"]

_FORMAT = re.compile(r"\s*[{\[](?P<newline>(?:\r?\n)+)(?P<indent>\s*)")
_FIRST = {
    name: place
    for place, name in enumerate(
        (
            "name",
            "version",
            "lockfileVersion",
            "resolved",
            "integrity",
            "requires",
            "packages",
            "dependencies",
        )
    )
}
_PACKAGE_FIELDS = (
    "version",
    "dependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "optionalDependencies",
    "bundleDependencies",
    "acceptDependencies",
    "funding",
    "engines",
    "os",
    "cpu",
    "libc",
    "license",
    "hasInstallScript",
    "bin",
    "deprecated",
    "workspaces",
)
_FIELDS_WITHOUT_LIBC = tuple(field for field in _PACKAGE_FIELDS if field != "libc")
_SCALAR = json.JSONEncoder(ensure_ascii=False).encode
_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")


def formatting(file: Path) -> tuple[str, str]:
    """The indentation and the newline of a JSON file, as npm guesses them; two spaces at worst."""
    try:
        match = _FORMAT.match(file.read_bytes().decode("utf-8-sig", "replace"))
    except OSError:
        match = None
    if match is None:
        return "  ", "\n"
    return match["indent"][:10] or "  ", match["newline"]


def hidden_lock(tree: Tree, lock: Mapping[str, object], indent: str, newline: str) -> str:
    """The file's text.

    Args:
        tree: What is installed; nodes that are left out are passed over.
        lock: The project's lock, whose top-level fields are kept.
        indent: Of one level; npm takes it from ``package.json``, see `formatting`.
        newline: Likewise.
    """
    packages: dict[str, Json] = {}
    bundled = bundled_nodes(tree)
    for node in tree.nodes.values():
        if node is tree.root or _gone(node):
            continue
        if _stale(node, tree):
            continue
        packages[node.location] = _entry(node, tree.rules)
        if node in bundled and node.link is None:
            packages[node.location]["inBundle"] = True
    top = {key: value for key, value in lock.items() if key != "dependencies"}
    top |= {"lockfileVersion": 3, "requires": True, "packages": packages}
    return _text(top, newline, indent) + newline


def _gone(node: Node | None) -> bool:
    while node is not None:
        if node.inert and node.parent is not None:
            return True
        node = node.parent
    return False


def _stale(node: Node, tree: Tree) -> bool:
    """Whether it is a directory that nothing asks for any more."""
    top = node.parent is None and node.beside in (None, tree.root)
    return node.extraneous and top and not tree.rules.notes_stale


def _entry(node: Node, rules: Rules) -> Json:
    if node.link is not None:
        return {"resolved": node.link.location, "link": True}
    package = node.package
    fields = _PACKAGE_FIELDS if rules.notes_libc else _FIELDS_WITHOUT_LIBC
    entry = {key: value for key in fields if (value := _field(package, key))}
    name = package.get("name")
    if name and name != node.name:
        entry["name"] = name
    if node.parent is None and package.get("devDependencies"):
        entry["devDependencies"] = package["devDependencies"]
    if node.entry.get("integrity"):
        entry["integrity"] = node.entry["integrity"]
    if node.entry.get("resolved"):
        entry["resolved"] = _resolved(str(node.entry["resolved"]))
    if node.entry.get("hasShrinkwrap") and rules.reads_shrinkwraps:
        entry["hasShrinkwrap"] = True
    scripts = package.get("scripts")
    if package.get("hasInstallScript") or (
        isinstance(scripts, dict) and any(scripts.get(name) for name in _INSTALL_SCRIPTS)
    ):
        entry["hasInstallScript"] = True
    entry |= _flags(node)
    return entry


def _field(package: Json, key: str) -> object:
    value = package.get(key)
    if key == "license" and isinstance(value, dict) and value.get("type"):
        return value["type"]
    return value


def _flags(node: Node) -> Json:
    if node.extraneous:
        return {"extraneous": True}
    flags = {
        "peer": node.peer,
        "dev": node.dev,
        "optional": node.optional,
        "devOptional": node.dev_optional and not node.dev and not node.optional,
    }
    return {name: True for name, holds in flags.items() if holds}


def _resolved(address: str) -> str:
    if not address.startswith("file:"):
        return address
    return "file:" + posixpath.normpath(address.removeprefix("file:"))


def _text(value: object, line: str, indent: str) -> str:
    """A value as npm writes it, ordered: plain fields before objects, then by name.

    The standard library's encoder does without its C part where it is to indent.

    Args:
        value: As JSON gives it.
        line: The newline, and the indentation of the line that the value is on.
        indent: Of one level.
    """
    below = line + indent
    if isinstance(value, dict) and value:
        fields = [
            f"{_SCALAR(key)}: {_text(field, below, indent)}"
            for key, field in sorted(value.items(), key=_rank)
        ]
        return f"{{{below}{f',{below}'.join(fields)}{line}}}"
    if isinstance(value, list) and value:
        items = [_text(item, below, indent) for item in value]
        return f"[{below}{f',{below}'.join(items)}{line}]"
    return _SCALAR(value)


def _rank(field: tuple[str, object]) -> tuple[bool, int, tuple[str, str, str]]:
    key, value = field
    return isinstance(value, dict), _FIRST.get(key, len(_FIRST)), collation_key(key)
