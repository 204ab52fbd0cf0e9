"""What npm 10 (and 11 at first) does otherwise than its successors.

- Groups are worked out by one walk down the tree. A package that only optional peers ask for counts
  as asked for.
- Packages are left out while it installs, not before: what goes with an optional package that does
  not fit is another set, empty directories stay behind, and so do commands go that another package
  has, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.assemble.package_json import normalize_bin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["leave_traces", "mark_groups", "optional_set"]

_FLAGS = ("extraneous", "dev", "peer", "dev_optional", "optional")


def mark_groups(tree: Tree, start: Node) -> None:
    """Work out the groups, see `npm2nixlite.assemble.groups.mark_groups`.

    The result depends on the order of the walk where several links lead to one directory.
    """
    if start is tree.root:
        for flag in _FLAGS:
            setattr(start, flag, False)

    def visit(node: Node) -> Iterable[Node]:
        _step(node)
        return _targets(node.link or node)

    _descend(start, visit)


def _targets(node: Node) -> Iterator[Node]:
    return (edge.target for edge in node.edges_out.values() if edge.target is not None)


def _descend(start: Node, visit: Callable[[Node], Iterable[Node]]) -> None:
    """Visit each node once, the last child first; visiting gives the children."""
    seen: set[Node] = set()
    pending = [start]
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending += visit(node)


def _step(node: Node) -> None:
    node.extraneous = False
    for flag in _FLAGS:
        _reset_above(node, flag)
    if node.link is not None:
        for flag in _FLAGS[1:]:
            setattr(node.link, flag, getattr(node, flag))
        _step(node.link)
        return
    for edge in node.edges_out.values():
        to, dev = edge.target, edge.kind == "dev"
        if to is None:
            continue
        to.extraneous = False
        neither = not (node.dev_optional or node.dev or node.optional or dev or edge.optional)
        if not node.peer and not edge.peer:
            _unset(to, "peer")
        if neither:
            _unset(to, "dev_optional")
        if neither or not (node.dev or dev):
            _unset(to, "dev")
        if neither or not (node.optional or edge.optional):
            _unset(to, "optional")


def _reset_above(node: Node, flag: str) -> None:
    if getattr(node, flag):
        return
    above = node.parent or node.beside
    while above is not None and getattr(above, flag):
        setattr(above, flag, False)
        above = above.parent or above.beside


def _unset(node: Node, flag: str) -> None:
    if not getattr(node, flag):
        return

    def visit(one: Node) -> Iterable[Node]:
        for place in (one, one.link):
            if place is not None:
                place.extraneous = False
                setattr(place, flag, False)
        return [
            edge.target
            for edge in (one.link or one).edges_out.values()
            if edge.target is not None
            and getattr(edge.target, flag)
            and (edge.kind == "prod" or (flag != "peer" and edge.kind == "peer"))
        ]

    setattr(node, flag, False)
    _descend(node, visit)


def optional_set(node: Node) -> dict[Node, None]:
    """An optional package that cannot be installed, and all that goes with it."""
    found = {node: None}
    pending = [node]
    while pending:
        for edge in pending.pop().edges_in:
            if not edge.optional and edge.source not in found:
                found[edge.source] = None
                pending.append(edge.source)
    pending = [*found]
    while pending:
        for edge in pending.pop().edges_out.values():
            if edge.target is not None and not edge.optional and edge.target not in found:
                found[edge.target] = None
                pending.append(edge.target)
    changed = True
    while changed:
        changed = False
        for one in [*found]:
            if any(edge.source not in found and not edge.optional for edge in one.edges_in):
                del found[one]
                changed = True
    return found


def leave_traces(tree: Tree, out: Path) -> None:
    """What is left of packages that were made room for, and then removed with their commands.

    Args:
        tree: What is left out is marked as inert.
        out: The directory that install paths are relative to.
    """
    for node in tree.nodes.values():
        if not node.inert or node.parent is None:
            continue
        folder = node.location[: -len(node.name)]
        if node.link is None and not _below_inert(node.parent):
            scope = node.name.rpartition("/")[0]
            (out / folder / scope).mkdir(parents=True, exist_ok=True)
        for command in normalize_bin(node.package):
            (out / folder / ".bin" / command).unlink(missing_ok=True)


def _below_inert(node: Node | None) -> bool:
    while node is not None:
        if node.inert:
            return True
        node = node.parent
    return False
