"""Bundled packages: those that come in another package's tarball.

npm does not trust a lock about them: it looks at what the tarball brought. So does this.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from npm2nixlite.assemble.groups import mark_groups
from npm2nixlite.assemble.package_json import read_package_json
from npm2nixlite.assemble.tree import Node, Tree, connect, place_name

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["adopt_bundled", "bundled_nodes", "reconnect"]


def bundled_nodes(tree: Tree) -> dict[Node, Node]:
    """Each bundled node and who bundles it, a package or the project."""
    if not any(node.package.get("bundleDependencies") for node in tree.nodes.values()):
        return {}  # the usual case, and the question below is a dear one
    found = ((node, node.bundler()) for node in tree.nodes.values())
    return {node: bundler for node, bundler in found if bundler is not None}


def adopt_bundled(tree: Tree, out: Path) -> None:
    """Put what bundling packages brought in the place of what the lock says of it.

    Args:
        tree: With its packages unpacked.
        out: The directory that install paths are relative to.
    """
    ours = bundled_nodes(tree)
    bundlers: list[Node] = []
    for node in [*tree.walk()]:
        bundled = node.package.get("bundleDependencies")
        if node.link is None and bundled and tree.nodes.get(node.location) is node:
            foreign = {
                child.location
                for child in node.children.values()
                if ours.get(child, tree.root) is tree.root
            }
            _adopt(tree, node, out, frozenset(foreign))
            reconnect(tree, node)
            mark_groups(tree, node)
            bundlers.append(node)
    for location in _shadowed(tree, bundlers):
        if location in tree.nodes:
            tree.remove(tree.nodes[location])
        shutil.rmtree(out / location, ignore_errors=True)


def _shadowed(tree: Tree, bundlers: list[Node]) -> list[str]:
    """What nobody finds any more, because a tarball brought the same nearer to who needs it."""
    shadowed: dict[Node, None] = {}
    for bundler in bundlers:
        if bundler.parent is not None and tree.nodes.get(bundler.location) is bundler:
            found = (bundler.parent.resolve(child.name) for child in bundler.children.values())
            shadowed |= dict.fromkeys(node for node in found if node is not None)
    pending = [*shadowed]
    while pending:
        for edge in pending.pop().edges_out.values():
            if edge.target is not None and edge.target not in shadowed:
                shadowed[edge.target] = None
                pending.append(edge.target)
    changed = True
    while changed:
        needed = [n for n in shadowed if any(e.source not in shadowed for e in n.edges_in)]
        changed = bool(needed)
        for node in needed:
            del shadowed[node]
    return [node.location for node in shadowed]


def _adopt(tree: Tree, parent: Node, out: Path, foreign: frozenset[str]) -> None:
    for name in _names(out / parent.location / "node_modules"):
        location = f"{parent.location}/node_modules/{name}"
        package = read_package_json(out / location)
        if location in foreign or not (package and package.get("name") and package.get("version")):
            continue
        if location in tree.nodes:
            tree.remove(tree.nodes[location])
        child = Node(location, name, package, {}, parent=parent)
        parent.children[place_name(name)] = child
        tree.nodes[location] = child
        _adopt(tree, child, out, frozenset())


def _names(modules: Path) -> list[str]:
    try:
        names = sorted(path.name for path in modules.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [
        f"{name}/{scoped}" if scoped else name
        for name in names
        for scoped in (_names(modules / name) if name.startswith("@") else [""])
    ]


def reconnect(tree: Tree, node: Node) -> None:
    """Make the edges of a node, and of all that is nested in it, anew."""
    connect(node, peers=tree.peers)
    for child in node.children.values():
        if tree.nodes.get(child.location) is child:
            reconnect(tree, child)
