"""What npm does about a dependency that the tree does not meet: leave it, move it, or give up.

It mirrors arborist's ``place-dep`` and ``can-place-dep``, as far as the answer follows from the
tree alone. What npm would fetch for a dependency is not known here: it is taken for the newest
version of the lock that fits, else for the lowest that the range names, and for a package without
peers.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from npm2nixlite.agreement.ranges import newer, newest_like
from npm2nixlite.agreement.spec import parse_spec
from npm2nixlite.agreement.validity import Judge, in_shrinkwrap, is_project, version_of
from npm2nixlite.assemble.tree import Node, place_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.assemble.tree import Edge, Tree

__all__ = ["PeerOutcome", "duplicates", "outcome_of"]


class PeerOutcome(Enum):
    """What becomes of an unmet dependency."""

    STAYS = "npm warns, and keeps what the lock has"
    CHANGES = "npm would install what is not in the lock"
    CONFLICTS = "npm stops with ERESOLVE"


def outcome_of(
    tree: Tree, judge: Judge, edge: Edge, *, strict: bool = False
) -> tuple[PeerOutcome, tuple[Node, ...]]:
    """What npm does about an unmet dependency, and what it takes out of the tree on the way.

    Args:
        tree: The lock's.
        judge: Of its edges.
        edge: An unmet one, see `npm2nixlite.agreement.unmet`.
        strict: npm's ``strict-peer-deps``.
    """
    placing = _Placing(tree, judge, edge)
    target, where = placing.where()
    if where is None:
        given_up = strict or placing.is_mine()
        return (PeerOutcome.CONFLICTS if given_up else PeerOutcome.STAYS), ()
    if where != "keep":
        return PeerOutcome.CHANGES, ()
    return PeerOutcome.STAYS, tuple(duplicates(target, judge))


def duplicates(above: Node, judge: Judge) -> Iterator[Node]:
    """What npm takes out below a place because something further up does as well."""
    for child in sorted(above.children.values(), key=lambda node: node.location):
        if _can_go(child, judge):
            yield from _only_for(child, judge)
        else:
            yield from duplicates(child, judge)
    for beside in above.neighbours:
        yield from duplicates(beside, judge)


def _can_go(node: Node, judge: Judge) -> bool:
    above = _above(node)
    further = None if above is None else _above(above)
    if further is None or judge.is_bundled(node) or in_shrinkwrap(node):
        return False
    if not node.edges_in:
        return True
    other = further.resolve(node.name)
    if other is None:
        return False
    same = version_of(node) == version_of(other)
    if not same and not newer(version_of(other), version_of(node)):
        return False
    ours = _only_for(node, judge)
    return all(edge.source in ours or judge.satisfied_by(edge, other) for edge in node.edges_in)


class _Placing:
    def __init__(self, tree: Tree, judge: Judge, edge: Edge) -> None:
        self._tree, self._judge, self._edge = tree, judge, edge
        self._new = self._fetched()

    def where(self) -> tuple[Node, str | None]:
        """Where, and ``place``, ``replace``, ``keep``; None where all is in conflict."""
        found: tuple[Node, str | None] = (self._tree.root, None)
        for target in _ancestry(self._start(self._edge.source)):
            asked = target.edges_out.get(self._edge.name)
            if target.parent is not None and asked is not None and asked.peer:
                continue
            here = self._at(target)
            if here is None:
                break
            found = target, here
        return found

    def is_mine(self) -> bool:
        """Whether the project itself brought the conflict in."""
        source = self._edge.source
        if is_project(self._tree, source):
            return True
        if not self._edge.peer:
            return False
        plain = (edge for edge in source.edges_in if not edge.peer)
        if any(is_project(self._tree, edge.source) for edge in plain):
            return True
        if not any(edge.peer for edge in source.edges_in):
            return False
        return any(is_project(self._tree, edge.source) for edge in self._entries(source))

    def _fetched(self) -> Node:
        """A stand-in for what npm would fetch."""
        spec = parse_spec(self._judge.wanted(self._edge))
        named = [
            node
            for node in self._tree.nodes.values()
            if node.link is None and node.name == self._edge.name
        ]
        version = newest_like(spec.text, map(version_of, named))
        package: dict[str, object] = {"name": self._edge.name}
        if version is not None:
            package["version"] = version
        return Node("", self._edge.name, package, {"resolved": "https://fetched.invalid/"})

    def _start(self, source: Node) -> Node:
        return self._deepest(source, self._edge.name)

    def _deepest(self, start: Node, name: str) -> Node:
        """The deepest place a package could stand in for who depends on it."""
        for target in _ancestry(start):
            asked = target.edges_out.get(name)
            if target is self._tree.root or _above(target) is None or not (asked and asked.peer):
                return target
        return self._tree.root

    def _at(self, target: Node) -> str | None:
        edge, new = self._edge, self._new
        current = target.children.get(place_name(edge.name))
        asked = target.edges_out.get(edge.name)
        if current is not None:
            return self._over(target, current)
        if asked is not None and asked is not edge and not self._judge.satisfied_by(asked, new):
            return None
        reached = None if target is edge.source else target.resolve(edge.name)
        for other in reached.edges_in if reached is not None else ():
            below = target in _ancestry(other.source) and self._judge.error(other) is None
            if below and not self._judge.satisfied_by(other, new):
                return None
        return "place"

    def _over(self, target: Node, current: Node) -> str | None:
        """Where something of that name stands already."""
        edge, new = self._edge, self._new
        fits = self._judge.satisfied_by(edge, current)
        if version_of(current) == version_of(new) and fits:
            return "keep"
        rising = newer(version_of(new), version_of(current))
        if rising and self._can_replace(current):
            return "replace"
        if fits:
            return "keep"
        if edge.peer and not rising and self._can_replace(current):
            return "replace"
        if target is not self._deepest(edge.source, edge.name):
            return None
        if not edge.peer:
            return "replace" if target is edge.source else None
        return "replace" if self._can_move(target, current) else None

    def _can_replace(self, current: Node) -> bool:
        """Whether all who depend on a package would be content with the new one."""
        ours = _only_for(current, self._judge)
        return all(
            edge.source in ours or self._judge.satisfied_by(edge, self._new)
            for edge in current.edges_in
        )

    def _can_move(self, target: Node, current: Node) -> bool:
        """Whether what stands there could be nested deeper, with all that it came with."""
        for entry, peers in self._entries(current).items():
            if entry is self._edge or entry.target is None:
                continue
            if entry.target is not current and self._content_without(entry.target):
                continue
            for peer in peers:
                deep = self._deepest(entry.source, peer.name)
                if deep is target or deep in _ancestry(target):
                    return False
        return True

    def _content_without(self, entry: Node) -> bool:
        """Whether a group of peers would take the new package in place of its own."""
        seen, pending = {entry}, [entry]
        while pending:
            for edge in pending.pop().edges_out.values():
                if not edge.peer or self._judge.error(edge) is not None:
                    continue
                if edge.name == self._edge.name:
                    if not self._judge.satisfied_by(edge, self._new):
                        return False
                elif edge.target is not None and edge.target not in seen:
                    seen.add(edge.target)
                    pending.append(edge.target)
        return True

    def _entries(self, node: Node) -> dict[Edge, set[Node]]:
        """The edges by which a group of peers that has this package came in, and the group."""
        found: dict[Edge, set[Node]] = {}
        for peer in self._group(node, both_ways=True):
            for edge in peer.edges_in:
                if self._judge.error(edge) is not None:
                    continue
                if edge.peer and edge.source.parent is not None:
                    continue
                group = self._group(peer, both_ways=False)
                if node in group:
                    found[edge] = group
        return found

    def _group(self, start: Node, *, both_ways: bool) -> set[Node]:
        seen, pending = {start}, [start]
        while pending:
            node = pending.pop()
            near = [
                edge.target
                for edge in node.edges_out.values()
                if edge.peer and edge.target is not None and self._judge.error(edge) is None
            ]
            if both_ways:
                near += [
                    edge.source
                    for edge in node.edges_in
                    if edge.peer and self._judge.error(edge) is None
                ]
            for one in near:
                if one not in seen:
                    seen.add(one)
                    pending.append(one)
        return seen


def _above(node: Node) -> Node | None:
    return node.parent or node.beside


def _ancestry(node: Node) -> Iterator[Node]:
    above: Node | None = node
    while above is not None:
        yield above
        above = _above(above)


def _only_for(node: Node, judge: Judge) -> set[Node]:
    """A package, and what is only there for its sake."""

    def counts(edge: Edge) -> bool:
        return edge.target is not node and judge.error(edge) is None

    found, pending = {node}, [node]
    while pending:
        for edge in pending.pop().edges_out.values():
            if edge.target is not None and counts(edge) and edge.target not in found:
                found.add(edge.target)
                pending.append(edge.target)
    changed = True
    while changed:
        gone = {
            one
            for one in found
            if any(edge.source not in found and counts(edge) for edge in one.edges_in)
        }
        changed = bool(gone)
        found -= gone
    return found
