"""Which packages are development, optional or peer ones, or of no use: ``calc-dep-flags``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.assemble import npm10
from npm2nixlite.assemble.package_json import text_map
from npm2nixlite.pack.workspaces import is_workspace

if TYPE_CHECKING:
    from npm2nixlite.assemble.npm_version import Rules
    from npm2nixlite.assemble.tree import Edge, Node, Tree

__all__ = ["believe_flags", "mark_groups", "remove_extraneous"]

_LOCK_FLAGS = ("extraneous", "dev", "optional", "devOptional", "peer")


def mark_groups(tree: Tree, start: Node | None = None) -> None:
    """Work out afresh which packages are development, optional or peer ones, or of no use.

    npm does not trust a lock's own flags. All are set at first; each is taken back where an edge
    leads to the package on which it does not hold, until nothing changes.

    Args:
        tree: Its nodes but the project have all flags set.
        start: Where to walk from; the project where it is not given.
    """
    start = start or tree.root
    if tree.rules.walks_once:
        npm10.mark_groups(tree, start)
        return
    if start is tree.root:
        start.extraneous = start.dev = start.optional = start.dev_optional = start.peer = False
    seen: dict[Node, None] = {}
    queue = [start]
    while queue:
        node = queue.pop()
        seen[node] = None
        if not node.extraneous:
            _keep_above(node)
        if node.link is None:
            found = [(edge.target, edge) for edge in node.edges_out.values()]
            queue += [to for to, edge in found if to and _unset(to, _flags_over(edge))]
        elif _follow(node, node.link, tree.rules) or node.link not in seen:
            queue.append(node.link)
    for node in seen:
        if node is not start and (node.dev or node.optional):
            node.dev_optional = False


def _follow(link: Node, target: Node, rules: Rules) -> bool:
    """Hand a link's flags on to its target; whether that has to be walked again for it."""
    if rules.links_overwrite:
        _set(target, _flags_along(link))
        return False
    return _unset(target, _flags_along(link))


def _keep_above(node: Node) -> None:
    above = node.parent or node.beside
    while above is not None and above.extraneous:
        above.extraneous = False
        above = above.parent or above.beside


def _flags_along(link: Node) -> tuple[bool, ...]:
    return (link.extraneous, link.dev, link.optional, link.dev_optional, link.peer)


def _flags_over(edge: Edge) -> tuple[bool, ...]:
    node, dev = edge.source, edge.kind == "dev"
    return (
        node.extraneous or (edge.peer and edge.optional),
        node.dev or dev,
        node.optional or edge.optional,
        node.dev_optional or node.dev or node.optional or dev or edge.optional,
        node.peer or edge.peer,
    )


def _unset(node: Node, may_stay: tuple[bool, ...]) -> bool:
    """Take back the flags that may not stay; whether there was one."""
    now = (node.extraneous, node.dev, node.optional, node.dev_optional, node.peer)
    left = tuple(flag and stays for flag, stays in zip(now, may_stay, strict=True))
    _set(node, left)
    return left != now


def _set(node: Node, flags: tuple[bool, ...]) -> None:
    node.extraneous, node.dev, node.optional, node.dev_optional, node.peer = flags


def believe_flags(tree: Tree, written_for: object) -> bool:
    """Take a lock's own flags, where npm does.

    Args:
        tree: Of the lock and the project's package.json.
        written_for: The lock's entry of the project.

    Returns:
        Whether they were taken; else they have to be worked out.
    """
    if not tree.rules.believes_flags or _differs(tree, written_for):
        return False
    for node in tree.nodes.values():
        entry = (node.link or node).entry if node is not tree.root else {}
        _set(node, tuple(bool(entry.get(name)) for name in _LOCK_FLAGS))
    return True


def _differs(tree: Tree, written_for: object) -> bool:
    """Whether package.json asks for anything that it did not when the lock was written."""
    then = written_for if isinstance(written_for, dict) else {}
    targets = {node.name: node.link.location for node in tree.nodes.values() if node.link}
    asked = {
        ("workspace", name): place
        for name, place in targets.items()
        if is_workspace(place, then.get("workspaces"))
    }
    peers, needed = text_map(then.get("peerDependencies")), text_map(then.get("dependencies"))
    optional = text_map(then.get("optionalDependencies"))
    about = then.get("peerDependenciesMeta")
    for name, wanted in peers.items():
        meta = about.get(name) if isinstance(about, dict) else None
        at_will = isinstance(meta, dict) and meta.get("optional")
        asked["peerOptional" if at_will else "peer", name] = wanted
    asked |= {("prod", name): wanted for name, wanted in needed.items() if name not in optional}
    asked |= {("optional", name): wanted for name, wanted in optional.items()}
    for name, wanted in text_map(then.get("devDependencies")).items():
        asked["dev", name] = wanted
    now = {(edge.kind, edge.name): edge.wanted for edge in tree.root.edges_out.values()}
    return asked != now


def remove_extraneous(tree: Tree) -> None:
    """Take what is of no use out of the tree."""
    for node in [*tree.nodes.values()]:
        if node.extraneous and node.parent is not None and node.location in tree.nodes:
            tree.remove(node)
