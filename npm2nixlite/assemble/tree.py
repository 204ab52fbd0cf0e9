"""The tree a lock describes: who stands where, and who depends on whom.

It mirrors arborist's ``node``, ``edge`` and ``link``, without the part that solves version ranges:
a lock has solved them already.
"""

from __future__ import annotations

import posixpath
import unicodedata
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from npm2nixlite.assemble.npm_version import LATEST, Rules
from npm2nixlite.assemble.package_json import Json, text_map
from npm2nixlite.pack.workspaces import is_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Edge", "Node", "Tree", "build_tree", "connect", "place_name"]


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
        children: What stands in its ``node_modules``, by `place_name`.
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
            found = node.children.get(place_name(name))
            if found is not None:
                return found
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
        rules: Those of the npm that it is installed like.
    """

    root: Node
    nodes: dict[str, Node]
    peers: bool = True
    rules: Rules = LATEST

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
        """Take a node out, with all that is nested in it; who depends on it looks further up."""
        for child in [*node.children.values()]:
            self.remove(child)
        key = place_name(node.name)
        if node.parent is not None and node.parent.children.get(key) is node:
            del node.parent.children[key]
        self.nodes.pop(node.location, None)
        for edge in node.edges_out.values():
            if edge.target is not None:
                edge.target.edges_in.remove(edge)
        left, node.edges_in = node.edges_in, []
        for edge in left:
            edge.target = edge.source.resolve(edge.name)
            if edge.target is not None:
                edge.target.edges_in.append(edge)


def build_tree(
    root: Json,
    packages: Mapping[str, tuple[Mapping[str, object], Json]],
    *,
    workspaces: Mapping[str, str] | None = None,
    peers: bool = True,
    rules: Rules = LATEST,
) -> Tree:
    """Build the tree.

    Args:
        root: The project's normalised manifest.
        packages: Install path → the lock's entry and the package's normalised manifest.
        workspaces: Name → directory of the project's workspaces, as the disk has them; where not
            given, the links that lead to what ``workspaces`` of the project's manifest match.
        peers: Whether peer dependencies count (not under npm's ``legacy-peer-deps``).
        rules: Those of the npm that it is installed like.

    Raises:
        KeyError: A link's target is not among the packages.
    """
    tree = Tree(Node("", str(root.get("name", "")), root, root), {}, peers, rules)
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
    _keep_one_case(tree)
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
    asked = _dependencies(node, workspaces, peers)
    last = {place_name(name): name for name in asked}
    for name, (kind, wanted) in asked.items():
        if last[place_name(name)] != name:
            continue
        edge = Edge(node, name, kind, wanted, node.resolve(name))
        node.edges_out[name] = edge
        if edge.target is not None:
            edge.target.edges_in.append(edge)


def _dependencies(
    node: Node, workspaces: Mapping[str, str], with_peers: bool
) -> dict[str, tuple[str, str]]:
    """Name → kind of edge and what is asked for, in npm's order.

    What is named twice is what npm reads last, and stands there.
    """
    package = node.package
    found = {name: ("workspace", directory) for name, directory in workspaces.items()}
    peers = text_map(package.get("peerDependencies")) if with_peers else {}
    at_will = _at_will(package) if peers else frozenset()
    groups = [
        ("peer", {name: wanted for name, wanted in peers.items() if name not in at_will}),
        ("peerOptional", {name: wanted for name, wanted in peers.items() if name in at_will}),
        ("prod", text_map(package.get("dependencies"))),
        ("optional", text_map(package.get("optionalDependencies"))),
    ]
    if node.parent is None:
        groups.append(("dev", text_map(package.get("devDependencies"))))
    for kind, asked in groups:
        for name, wanted in asked.items():
            if name not in workspaces:
                found.pop(name, None)
                found[name] = (kind, wanted)
    return found


def _at_will(package: Json) -> frozenset[str]:
    """The names of peers that a package can do without."""
    about = package.get("peerDependenciesMeta")
    return frozenset(
        name
        for name, meta in (about.items() if isinstance(about, dict) else ())
        if isinstance(meta, dict) and meta.get("optional")
    )


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
            above.children[place_name(node.name)] = node
        elif not node.location.startswith("../") or folder:
            node.beside = above
            above.neighbours.append(node)
        return


def place_name(name: str) -> str:
    """A name as file systems may take it: without regard to case and to how accents are spelt."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFKD", name).lower()


def _keep_one_case(tree: Tree) -> None:
    """Of packages whose names differ only in case, the last one in the lock stands there."""
    for node in [*tree.nodes.values()]:
        above = node.parent
        if above is not None and above.children.get(place_name(node.name)) is not node:
            tree.remove(node)


def _folder_name(location: str) -> str:
    scope, _, name = location.rpartition("/")
    scope = scope.rpartition("/")[2]
    return f"{scope}/{name}" if scope.startswith("@") else name
