"""Which dependencies npm would look for anew: those that its own search finds unmet.

``npm ci`` builds the tree that the lock describes and goes through it from the project. It mirrors
arborist's ``build-ideal-tree``: the search does not go through a link, and so passes over what only
a workspace reaches; of a link's target itself, the edges are looked at afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.agreement.validity import in_shrinkwrap, is_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.agreement.validity import Judge
    from npm2nixlite.assemble.tree import Edge, Node, Tree

__all__ = ["unmet_edges"]


def unmet_edges(tree: Tree, judge: Judge) -> Iterator[Edge]:
    """The edges that npm would resolve anew, in the order in which it comes to them.

    Args:
        tree: The lock's.
        judge: Of its edges.
    """
    seen: set[Node] = set()
    pending = [tree.root, *sorted(_suspects(tree, judge), key=lambda node: node.location)]
    pending.sort(key=lambda node: node.depth)
    while pending:
        node = pending.pop(0)
        if node in seen or node.entry.get("hasShrinkwrap"):
            continue
        seen.add(node)
        yield from _unmet_of(tree, node, judge)
        pending += [
            edge.target.link
            for edge in node.edges_out.values()
            if edge.target is not None
            and edge.target.link is not None
            and _inside(tree, edge.target.link)
        ]


def _suspects(tree: Tree, judge: Judge) -> Iterator[Node]:
    """Packages with an edge that leads nowhere or to what does not fit."""
    seen: set[Node] = set()
    pending = [tree.root]
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        if any(
            edge.kind != "peerOptional" and (edge.target is None or judge.error(edge))
            for edge in node.edges_out.values()
        ):
            yield node
        pending += [edge.target for edge in node.edges_out.values() if edge.target is not None]


def _unmet_of(tree: Tree, node: Node, judge: Judge) -> Iterator[Edge]:
    bundled = None if is_project(tree, node) else node.package.get("bundleDependencies")
    for edge in node.edges_out.values():
        if edge.kind == "peerOptional" or (isinstance(bundled, list) and edge.name in bundled):
            continue
        if edge.target is None or (
            not in_shrinkwrap(edge.target) and judge.error(edge) is not None
        ):
            yield edge


def _inside(tree: Tree, node: Node) -> bool:
    above: Node | None = node.parent or node.beside
    while above is not None:
        if above is tree.root:
            return True
        above = above.parent or above.beside
    return False
