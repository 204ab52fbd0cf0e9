"""Whether a lock still agrees with the ``package.json`` files it was made from.

``npm ci`` refuses a lock that does not: it reads the root project's package.json and that of every
directory that a link leads to, and looks whether the lock has what they, and its own packages, ask
for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from posixpath import join
from typing import TYPE_CHECKING

from npm2nixlite.agreement.conflicts import PeerOutcome, outcome_of
from npm2nixlite.agreement.locked_tree import locked_tree
from npm2nixlite.agreement.manifests import Manifests, read_manifests
from npm2nixlite.agreement.unmet import unmet_edges
from npm2nixlite.agreement.validity import Judge, version_of
from npm2nixlite.assemble.load import read_lock_json
from npm2nixlite.config.tree_settings import TreeSettings
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from npm2nixlite.assemble.package_json import Json
    from npm2nixlite.assemble.tree import Edge, Node, Tree
    from npm2nixlite.lock.model import Lock

__all__ = ["Agreement", "Disagreement", "check_agreement", "disagreements"]

DEFAULT_SETTINGS = TreeSettings()
_SHOWN = 20  # lines of one message; a lock of another project differs in everything


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What a package.json or a package asks for, and what the lock has instead (None: nothing).

    Attributes:
        source: Who asks: a package.json's path, or an install path.
        name: For what.
        wanted: In which version, or from where.
        found: What the lock has.
        conflict: Whether npm calls it a conflict of peers (ERESOLVE).
    """

    source: str
    name: str
    wanted: str
    found: str | None
    conflict: bool = False

    def __str__(self) -> str:
        peer = "the peer " if self.conflict else ""
        what = f"{self.source} asks for {peer}{self.name}@{self.wanted or '*'}"
        if self.found is None:
            return f"{what}, which is not in the lock"
        return f"{what}, the lock has {self.found}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What npm makes of a lock that it accepts.

    Attributes:
        manifests: The package.json files beside the lock.
        tree: The lock's, with what npm takes out of it.
        judge: Of its edges.
        stale: Names that the lock was made with and no package.json asks for any more: npm leaves
            them out, unless something else needs them, and says nothing.
        removed: Install paths that npm takes out of the tree: a package further up does as well.
    """

    manifests: Manifests
    tree: Tree
    judge: Judge
    stale: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def check_agreement(lock: Lock, settings: TreeSettings = DEFAULT_SETTINGS) -> Agreement | None:
    """Refuse a lock that is out of step with the package.json files beside it, as npm ci does.

    Args:
        lock: A lock at its place.
        settings: What the project's ``.npmrc`` says.

    Returns:
        What npm makes of it; None without a package.json beside it: there is nothing to compare.

    Raises:
        InputError: It is; the message lists what differs. Or a package.json cannot be read.
    """
    manifests = read_manifests(lock, Path(lock.file).parent)
    if manifests is None:
        return None
    tree, judge = _tree(lock, manifests, settings)
    found: list[Disagreement] = []
    removed: dict[str, None] = {}
    for item in _findings(tree, judge, manifests, settings):
        if isinstance(item, Disagreement):
            found.append(item)
        else:
            removed[item] = None
    if not found:
        return Agreement(manifests, tree, judge, tuple(_stale(lock, manifests)), tuple(removed))
    lines = [f"  {item}" for item in found[:_SHOWN]]
    if found[_SHOWN:]:
        lines.append(f"  … and {len(found) - _SHOWN:,} more")
    raise InputError(
        "\n".join(("the lock is out of step with package.json:", *lines)),
        where=lock.file,
        hint=_hint(found),
    )


def disagreements(
    lock: Lock, manifests: Manifests, settings: TreeSettings = DEFAULT_SETTINGS
) -> list[Disagreement]:
    """What package.json files, and the lock's own packages, ask for that a lock does not have.

    Args:
        lock: The lock, at its place.
        manifests: See `npm2nixlite.agreement.manifests`.
        settings: What the project's ``.npmrc`` says.
    """
    tree, judge = _tree(lock, manifests, settings)
    findings = _findings(tree, judge, manifests, settings)
    return [item for item in findings if isinstance(item, Disagreement)]


def _tree(lock: Lock, manifests: Manifests, settings: TreeSettings) -> tuple[Tree, Judge]:
    content = read_lock_json(Path(lock.file))
    tree = locked_tree(content, manifests, peers=not settings.legacy_peer_deps)
    overrides = manifests.root.get("overrides")
    return tree, Judge(tree, overrides if isinstance(overrides, dict) else {}, _recorded(content))


def _findings(
    tree: Tree, judge: Judge, manifests: Manifests, settings: TreeSettings
) -> Iterator[Disagreement | str]:
    """What disagrees; and install paths that npm would take out of the tree."""
    for edge in tree.root.edges_out.values():
        if judge.is_overridden(edge):
            own = f"its own {edge.name}@{edge.wanted}"
            source = f"package.json, whose overrides contradict {own} (npm: EOVERRIDE),"
            yield Disagreement(source, edge.name, judge.wanted(edge), _shown(edge.target))
    for edge in unmet_edges(tree, judge):
        if _is_left_out(edge):
            continue
        outcome, removed = outcome_of(tree, judge, edge, strict=settings.strict_peer_deps)
        if outcome is not PeerOutcome.STAYS:
            yield _disagreement(edge, judge, manifests, conflict=outcome is PeerOutcome.CONFLICTS)
        yield from (node.location for node in removed)


def _recorded(content: Json) -> Mapping[str, Json]:
    packages = content.get("packages")
    if not isinstance(packages, dict):
        return {}
    return {path: entry for path, entry in packages.items() if isinstance(entry, dict)}


def _is_left_out(edge: Edge) -> bool:
    """Whether it leads to an entry without a version: npm could not get an optional package."""
    target = edge.target
    return (
        edge.kind == "optional"
        and target is not None
        and target.link is None
        and not version_of(target)
        and not target.entry.get("resolved")
    )


def _disagreement(
    edge: Edge, judge: Judge, manifests: Manifests, *, conflict: bool = False
) -> Disagreement:
    source = edge.source.location
    if not source or source in manifests.directories:
        source = join(source, "package.json")
    if judge.is_overridden(edge):
        source = f"{source}, under overrides,"
    wanted = f"file:{edge.wanted}" if edge.kind == "workspace" else judge.wanted(edge)
    return Disagreement(source, edge.name, wanted, _shown(edge.target), conflict)


def _shown(node: Node | None) -> str | None:
    if node is None:
        return None
    if node.link is not None:
        return f"a link to {node.link.location or '.'}"
    resolved = node.entry.get("resolved")
    version = version_of(node)
    if isinstance(resolved, str) and (not version or "git" in resolved.partition(":")[0]):
        return resolved
    return f"{node.package.get('name') or node.name}@{version}"


def _stale(lock: Lock, manifests: Manifests) -> Iterator[str]:
    for place, package in {"": manifests.root, **manifests.directories}.items():
        mentioned = {
            name
            for group in (
                "peerDependencies",
                "dependencies",
                "optionalDependencies",
                "devDependencies",
            )
            for asked in [package.get(group)]
            if isinstance(asked, dict)
            for name in asked
        }
        yield from (name for name in lock.requested.get(place, {}) if name not in mentioned)


def _hint(found: list[Disagreement]) -> str:
    if all(item.conflict for item in found):
        return (
            "npm ci stops with ERESOLVE, too; ask for versions that fit each other, or set "
            "'legacy-peer-deps=true' in .npmrc"
        )
    return "npm ci refuses it, too; 'npm install --package-lock-only' brings it up to date"
