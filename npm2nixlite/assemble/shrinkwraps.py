"""Packages that bring a lock of their own, an ``npm-shrinkwrap.json``.

npm reads it once the package is unpacked, and what it says of the packages below takes the place of
what the project's lock says. npm 12 does so no longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.assemble.bundles import reconnect
from npm2nixlite.assemble.groups import mark_groups
from npm2nixlite.assemble.load import own_entries
from npm2nixlite.assemble.package_json import parse_package_json

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["adopt_shrinkwraps"]


def adopt_shrinkwraps(tree: Tree, out: Path) -> None:
    """Put what packages' own locks say in the place of what the project's lock says.

    One of version 1 says nothing of commands and platforms.

    Args:
        tree: With its packages unpacked.
        out: The directory that install paths are relative to.
    """
    if not tree.rules.reads_shrinkwraps:
        return
    for node in [*tree.walk()]:
        if node.link is None and node.entry.get("hasShrinkwrap"):
            _adopt(tree, node, out)


def _adopt(tree: Tree, parent: Node, out: Path) -> None:
    try:
        lock = parse_package_json((out / parent.location / "npm-shrinkwrap.json").read_bytes())
    except OSError:
        return
    for path, (entry, package) in own_entries(lock or {}).items():
        node = tree.nodes.get(f"{parent.location}/{path}")
        if node is None or node.link is not None:
            continue
        node.entry, node.package = entry, package
        node.extraneous = node.dev = node.optional = node.dev_optional = node.peer = True
    reconnect(tree, parent)
    mark_groups(tree, parent)
