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

    from npm2nixlite.assemble.package_json import Json
    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["formatting", "hidden_lock"]

_FORMAT = re.compile(r"\s*[{\[](?P<newline>(?:\r?\n)+)(?P<indent>\s*)")
_FIRST = (
    "name",
    "version",
    "lockfileVersion",
    "resolved",
    "integrity",
    "requires",
    "packages",
    "dependencies",
)
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
        if node.extraneous and node.parent is None and node.beside in (None, tree.root):
            continue
        packages[node.location] = _entry(node)
        if node in bundled and node.link is None:
            packages[node.location]["inBundle"] = True
    top = {key: value for key, value in lock.items() if key != "dependencies"}
    top |= {"lockfileVersion": 3, "requires": True, "packages": packages}
    text = json.dumps(_sorted(top), ensure_ascii=False, indent=indent)
    return f"{text}\n".replace("\n", newline)


def _gone(node: Node | None) -> bool:
    while node is not None:
        if node.inert and node.parent is not None:
            return True
        node = node.parent
    return False


def _entry(node: Node) -> Json:
    if node.link is not None:
        return {"resolved": node.link.location, "link": True}
    package = node.package
    entry = {key: value for key in _PACKAGE_FIELDS if (value := _field(package, key))}
    name = package.get("name")
    if name and name != node.name:
        entry["name"] = name
    if node.parent is None and package.get("devDependencies"):
        entry["devDependencies"] = package["devDependencies"]
    if node.entry.get("integrity"):
        entry["integrity"] = node.entry["integrity"]
    if node.entry.get("resolved"):
        entry["resolved"] = _resolved(str(node.entry["resolved"]))
    if node.entry.get("hasShrinkwrap"):
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


def _sorted(value: object) -> object:
    """Objects ordered as npm orders them: plain fields before objects, then by name."""
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _sorted(value[key]) for key in sorted(value, key=lambda key: _rank(key, value))}


def _rank(key: str, fields: Mapping[str, object]) -> tuple[bool, int, tuple[tuple[int, ...], ...]]:
    place = _FIRST.index(key) if key in _FIRST else len(_FIRST)
    return isinstance(fields[key], dict), place, collation_key(key)
