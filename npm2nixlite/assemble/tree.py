"""The tree a lock describes: who stands where, and who depends on whom.

It mirrors arborist's ``node``, ``edge``, ``link`` and ``calc-dep-flags``, without the part that
solves version ranges: a lock has solved them already.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from npm2nixlite.assemble.package_json import Json, text_map
from npm2nixlite.pack.workspaces import is_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Edge", "Node", "Tree", "build_tree", "connect", "mark_groups"]


@dataclass(slots=True, eq=False)
class Edge:
    """One dependency.

    Attributes:
        source: Who depends.
        name: On what, by the name it is found by.
        kind: ``prod``, ``dev``, ``optional``, ``peer``, ``peerOptional`` or ``workspace``.
        wanted: What is asked for: a range, a tag, an address; of a workspace, its directory.
        target: What answers it; None where nothing in the tree does.
    """

    source: Node
    name: str
    kind: str
    wanted: str
    target: Node | None

    @property
    def optional(self) -> bool:
        """Whether the source can do without it."""
        return self.kind in ("optional", "peerOptional")

    @property
    def peer(self) -> bool:
        """Whether the source expects its dependents to bring it."""
        return self.kind in ("peer", "peerOptional")


@dataclass(slots=True, eq=False)
class Node:
    """A place in the tree.

    Attributes:
        location: The install path; empty for the project.
        name: The name it is found by, its directory's.
        package: Its manifest, or what the lock keeps of it; normalised.
        entry: The lock's own entry.
        link: The node it is a symbolic link to.
        parent: Whose ``node_modules`` it stands in.
        beside: Where it stands outside all ``node_modules``, the node whose directory it is in.
        inert: It is left out.
    """

    location: str
    name: str
    package: Json
    entry: Mapping[str, object]
    link: Node | None = None
    parent: Node | None = None
    beside: Node | None = None
    children: dict[str, Node] = field(default_factory=dict)
    neighbours: list[Node] = field(default_factory=list)
    edges_out: dict[str, Edge] = field(default_factory=dict)
    edges_in: list[Edge] = field(default_factory=list)
    extraneous: bool = True
    dev: bool = True
    optional: bool = True
    dev_optional: bool = True
    peer: bool = True
    inert: bool = False

    @property
    def depth(self) -> int:
        """How many packages it is nested in."""
        return 0 if self.parent is None else self.parent.depth + 1

    @property
    def top(self) -> Node:
        """The outermost node it is nested in."""
        return self if self.parent is None else self.parent.top

    def resolve(self, name: str) -> Node | None:
        """What Node.js finds from here under a name."""
        node: Node | None = self
        while node is not None:
            if name in node.children:
                return node.children[name]
            node = node.parent or node.beside
        return None

    def bundler(self, seen: set[Node] | None = None) -> Node | None:
        """The package, or the project, whose ``bundleDependencies`` brings this one."""
        seen = set() if seen is None else seen
        if self in seen or self.parent is None:
            return None
        seen.add(self)
        above = self.parent.bundler(seen)
        if above is not None:
            return above
        bundled = self.parent.package.get("bundleDependencies")
        if isinstance(bundled, list) and self.name in bundled:
            return self.parent
        # what a bundled package needs, and finds no further up than its bundler, is bundled too
        if any(edge.source.bundler(seen) is self.parent for edge in self.edges_in):
            return self.parent
        return None


@dataclass(frozen=True, slots=True)
class Tree:
    """All nodes of a lock.

    Attributes:
        root: The project.
        nodes: By location, in the lock's order, links last.
        peers: Whether peer dependencies count.
    """

    root: Node
    nodes: dict[str, Node]
    peers: bool = True

    def walk(self) -> Iterator[Node]:
        """What is to be installed, parents first; nothing below what is left out."""
        pending = [self.root]
        while pending:
            above = pending.pop()
            for node in above.children.values():
                if not node.inert:
                    yield node
                    pending.append(node)
            pending += above.neighbours

    def remove(self, node: Node) -> None:
        """Take a node out, with all that is nested in it."""
        for child in [*node.children.values()]:
            self.remove(child)
        if node.parent is not None:
            node.parent.children.pop(node.name, None)
        self.nodes.pop(node.location, None)
        for edge in node.edges_out.values():
            if edge.target is not None:
                edge.target.edges_in.remove(edge)
        for edge in node.edges_in:
            edge.target = None
        node.edges_in = []


def build_tree(
    root: Json,
    packages: Mapping[str, tuple[Mapping[str, object], Json]],
    *,
    workspaces: Mapping[str, str] | None = None,
    peers: bool = True,
) -> Tree:
    """Build the tree.

    Args:
        root: The project's normalised manifest.
        packages: Install path → the lock's entry and the package's normalised manifest.
        workspaces: Name → directory of the project's workspaces, as the disk has them; where not
            given, the links that lead to what ``workspaces`` of the project's manifest match.
        peers: Whether peer dependencies count (not under npm's ``legacy-peer-deps``).

    Raises:
        KeyError: A link's target is not among the packages.
    """
    tree = Tree(Node("", str(root.get("name", "")), root, root), {}, peers=peers)
    tree.nodes[""] = tree.root
    links: list[Node] = []
    for location, (entry, package) in packages.items():
        node = Node(location, _folder_name(location), package, entry)
        if entry.get("link"):
            links.append(node)
        else:
            tree.nodes[location] = node
    for node in links:
        target = tree.nodes[str(node.entry.get("resolved") or "")]
        node.link, node.package = target, target.package
        tree.nodes[node.location] = node
    for node in tree.nodes.values():
        _place(node, tree.nodes)
    if workspaces is None:
        workspaces = {
            node.name: node.link.location
            for node in links
            if node.link is not None and is_workspace(node.link.location, root.get("workspaces"))
        }
    for node in tree.nodes.values():
        connect(node, workspaces if node is tree.root else {}, peers=peers)
    return tree


def connect(
    node: Node, workspaces: Mapping[str, str] = MappingProxyType({}), *, peers: bool = True
) -> None:
    """Make the edges that a node's manifest asks for, in place of those it has.

    Args:
        node: A link has none.
        workspaces: Name → directory, of the project.
        peers: Whether peer dependencies count.
    """
    for edge in node.edges_out.values():
        if edge.target is not None:
            edge.target.edges_in.remove(edge)
    node.edges_out = {}
    if node.link is not None:
        return
    asked = _dependencies(node, peers)
    asked |= {name: ("workspace", directory) for name, directory in workspaces.items()}
    for name, (kind, wanted) in asked.items():
        edge = Edge(node, name, kind, wanted, node.resolve(name))
        node.edges_out[name] = edge
        if edge.target is not None:
            edge.target.edges_in.append(edge)


def mark_groups(tree: Tree, start: Node | None = None) -> None:
    """Work out afresh which packages are development, optional or peer ones, or of no use.

    npm does not trust a lock's own flags. All are set at first; each is taken back where an edge
    leads to the package on which it does not hold, until nothing changes.

    Args:
        tree: Its nodes but the project have all flags set.
        start: Where to walk from; the project where it is not given.
    """
    start = start or tree.root
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
        elif _unset(node.link, _flags_along(node)) or node.link not in seen:
            queue.append(node.link)
    for node in seen:
        if node is not start and (node.dev or node.optional):
            node.dev_optional = False


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
    node.extraneous, node.dev, node.optional, node.dev_optional, node.peer = left
    return left != now


def _dependencies(node: Node, with_peers: bool) -> dict[str, tuple[str, str]]:
    """Name → kind of edge and what is asked for; what is named twice is what npm reads last."""
    package = node.package
    found: dict[str, tuple[str, str]] = {}
    peers = text_map(package.get("peerDependencies")) if with_peers else {}
    about = package.get("peerDependenciesMeta") if peers else None
    at_will: dict[str, tuple[str, str]] = {}
    for name, wanted in peers.items():
        meta = about.get(name) if isinstance(about, dict) else None
        if isinstance(meta, dict) and meta.get("optional"):
            at_will[name] = ("peerOptional", wanted)
        else:
            found[name] = ("peer", wanted)
    found |= at_will
    groups = [("dependencies", "prod"), ("optionalDependencies", "optional")]
    if node.parent is None:
        groups.append(("devDependencies", "dev"))
    for group, kind in groups:
        asked = package.get(group)
        if asked:
            found |= {name: (kind, wanted) for name, wanted in text_map(asked).items()}
    return found


def _place(node: Node, nodes: Mapping[str, Node]) -> None:
    if not node.location:
        return
    folder = node.location
    while folder:
        folder = folder.rpartition("/")[0]
        above = nodes.get(folder)
        if above is None or above.link is not None:
            continue
        if node.location == posixpath.join(folder, "node_modules", node.name):
            node.parent = above
            above.children[node.name] = node
        elif not node.location.startswith("../") or folder:
            node.beside = above
            above.neighbours.append(node)
        return


def _folder_name(location: str) -> str:
    scope, _, name = location.rpartition("/")
    scope = scope.rpartition("/")[2]
    return f"{scope}/{name}" if scope.startswith("@") else name
