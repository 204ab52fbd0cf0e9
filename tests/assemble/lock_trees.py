"""Trees for tests, from a few lines of a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npm2nixlite.assemble.npm_version import rules_of
from npm2nixlite.assemble.package_json import normalize
from npm2nixlite.assemble.tree import build_tree

if TYPE_CHECKING:
    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["flags", "names", "tree_of"]


def tree_of(root: dict[str, Any], packages: dict[str, Any], npm: str | None = None) -> Tree:
    """The tree of a lock's entries; those without a name are called as their directory."""
    described = {
        path: (entry, normalize({"name": path.rpartition("node_modules/")[2], **entry}))
        for path, entry in packages.items()
    }
    return build_tree(normalize(root), described, rules=rules_of(npm))


def flags(node: Node) -> set[str]:
    """What a node is marked as."""
    return {
        name
        for name in ("extraneous", "dev", "optional", "dev_optional", "peer")
        if getattr(node, name)
    }


def names(tree: Tree) -> set[str]:
    """The names of what is to be installed."""
    return {node.name for node in tree.walk()}
