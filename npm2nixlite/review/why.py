"""Who asks for a package: every way to it from the project, as ``npm explain`` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.agreement.locked_tree import locked_tree
from npm2nixlite.agreement.manifests import Manifests, read_manifests
from npm2nixlite.assemble.load import read_lock_json
from npm2nixlite.assemble.package_json import Json, normalize
from npm2nixlite.errors import InputError
from npm2nixlite.lock.model import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.assemble.tree import Node, Tree
    from npm2nixlite.lock.model import Lock

__all__ = ["Asker", "Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks for a package.

    Attributes:
        install_path: Of who asks; empty for the project.
        name: The asking package's name and version.
        kind: ``prod``, ``dev``, ``optional``, ``peer``, ``peerOptional`` or ``workspace``.
        wanted: The range, tag or address that is asked for.
    """

    install_path: str
    name: str
    kind: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """An install path of the package, and who asks for what stands there.

    Attributes:
        install_path: Where the package stands.
        name: Its name and version.
        askers: Install path of a package on a way to the project → who asks for it. It has the
            package itself, and everybody who is asked for on the way.
    """

    install_path: str
    name: str
    askers: dict[str, tuple[Asker, ...]]

    def lines(self) -> Iterator[str]:
        """The ways, for people; what was told before is not told again."""
        yield f"{self.name} ({self.install_path})"
        if not self.askers[self.install_path]:
            yield "  nobody asks for it: it is extraneous"
        told: set[str] = set()
        pending = [(asker, 1) for asker in reversed(self.askers[self.install_path])]
        while pending:
            asker, depth = pending.pop()
            kind = "" if asker.kind == "prod" else f"{asker.kind} "
            place = f" ({asker.install_path})" if asker.install_path else ""
            again = asker.install_path in told and self.askers.get(asker.install_path)
            more = ", see above" if again else ""
            yield f"{'  ' * depth}{kind}{asker.wanted!r} of {asker.name}{place}{more}"
            if asker.install_path and not again:
                told.add(asker.install_path)
                above = self.askers.get(asker.install_path, ())
                pending += [(next_one, depth + 1) for next_one in reversed(above)]


def explain(lock: Lock, package: str) -> list[Explanation]:
    """Explain a package, at each of its install paths.

    Args:
        lock: A lock at its place, of version 2 or 3.
        package: A name, ``name@version``, or an install path.

    Raises:
        InputError: The lock does not have it, or does not say who depends on whom.
    """
    if lock.version == 1:
        raise InputError(
            "a lock of version 1 does not say who asks for what",
            where=lock.file,
            hint="'npm install --package-lock-only --lockfile-version 3' writes it anew",
        )
    content = read_lock_json(Path(lock.file))
    manifests = read_manifests(lock, Path(lock.file).parent)
    if manifests is None:
        manifests = _recorded(lock, content)
    tree = locked_tree(content, manifests)
    found = [node for node in tree.nodes.values() if node.link is None and _is(node, package)]
    if not found:
        raise InputError(
            f"there is no {package} in the lock",
            where=lock.file,
            hint="give a name, NAME@VERSION, or an install path such as node_modules/a",
        )
    return [
        Explanation(node.location, _label(node), _askers(tree, node))
        for node in sorted(found, key=lambda node: node.location)
    ]


def _recorded(lock: Lock, content: Json) -> Manifests:
    """What the lock itself keeps of package.json, where only the lock is at hand."""
    packages = content.get("packages")
    root = packages.get("") if isinstance(packages, dict) else None
    root = root if isinstance(root, dict) else {}
    links = {
        entry.install_path.removeprefix("node_modules/"): entry.target
        for entry in lock.entries
        if isinstance(entry, Link) and "workspaces" in root
    }
    return Manifests(normalize(root), {}, links)


def _askers(tree: Tree, start: Node) -> dict[str, tuple[Asker, ...]]:
    links: dict[Node, list[Node]] = {}
    for node in tree.nodes.values():
        if node.link is not None:
            links.setdefault(node.link, []).append(node)
    found: dict[str, tuple[Asker, ...]] = {}
    pending = [start]
    while pending:
        node = pending.pop()
        if node.location in found:
            continue
        # Who asks for a workspace asks for the link that leads to it.
        edges = [edge for place in (node, *links.get(node, ())) for edge in place.edges_in]
        edges.sort(key=lambda edge: (edge.source.location, edge.name))
        found[node.location] = tuple(
            Asker(edge.source.location, _label(edge.source), edge.kind, edge.wanted)
            for edge in edges
        )
        pending += [edge.source for edge in edges if edge.source.location]
    return found


def _is(node: Node, package: str) -> bool:
    names = {node.name, str(node.package.get("name") or node.name)}
    version = node.package.get("version")
    return package == node.location or package in {*names, *(f"{name}@{version}" for name in names)}


def _label(node: Node) -> str:
    name = node.package.get("name") or node.name
    version = node.package.get("version")
    if not node.location:
        return f"the project {name}" if name else "the project"
    return f"{name}@{version}" if version else str(name)
