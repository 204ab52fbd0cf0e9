"""What is left out: other platforms' optional packages, omitted groups.

The same steps in the same order as arborist's ``build-ideal-tree``, ``optional-set`` and ``diff``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.assemble import npm10
from npm2nixlite.assemble.bundles import bundled_nodes
from npm2nixlite.errors import BuildError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from npm2nixlite.assemble.platform import Platform
    from npm2nixlite.assemble.tree import Edge, Node, Tree

__all__ = ["keep_workspaces", "leave_out"]


def leave_out(
    tree: Tree,
    platform: Platform,
    omit: AbstractSet[str],
    *,
    engine_strict: bool = False,
    host: Platform | None = None,
) -> None:
    """Mark as inert what npm would not install.

    Args:
        tree: With its groups marked.
        platform: What to install for.
        omit: Groups to leave out: ``dev``, ``optional``, ``peer``.
        engine_strict: Whether ``engines`` count for packages that cannot be left out, too.
        host: What these must fit; ``platform`` where not given.

    Raises:
        BuildError: A package that cannot be left out is not for the platform, or, where that
            counts, for the Node.js or npm.
    """
    if engine_strict:
        _check_engines(tree, platform, omit)
    host = host or platform
    if tree.rules.leaves_out_late:
        _leave_out_late(tree, platform, omit, host)
        return
    for node in tree.nodes.values():
        if node is tree.root:
            continue
        if node.optional:
            _leave_out_optional(node, platform, counts_inert=tree.rules.counts_inert)
        elif not _omitted(node, tree, omit) and not host.fits(node.package):
            raise _not_for(host, node)
    for node in tree.nodes.values():
        if node.parent is not None and _omitted(node, tree, omit):
            node.inert = True


def keep_workspaces(tree: Tree, workspaces: Iterable[str], omit: AbstractSet[str]) -> None:
    """Mark as inert what is neither one of these workspaces nor needed by one.

    npm follows a workspace's development dependencies even where they are omitted, as long as
    another workspace has the same ones for production. This does not.

    Args:
        tree: After `leave_out`.
        workspaces: Their directories, directories above several of them, or names.
        omit: Groups that are left out.

    Raises:
        InputError: There is no such workspace.
    """
    links = [
        edge.target
        for edge in tree.root.edges_out.values()
        if edge.kind == "workspace" and edge.target is not None
    ]
    pending: list[Node] = []
    for wanted in workspaces:
        found = [link for link in links if _is_called(link, wanted)]
        if not found:
            known = sorted(link.link.location for link in links if link.link is not None)
            raise InputError(
                f"there is no workspace {wanted!r}",
                hint=f"the lock has {', '.join(known)}" if known else "the lock has none at all",
            )
        pending += found
    kept: set[Node] = set()
    while pending:
        node = pending.pop()
        if node in kept:
            continue
        kept.add(node)
        if node.link is not None:
            pending.append(node.link)
        for edge in node.edges_out.values():
            if edge.target is not None and not (edge.kind == "dev" and "dev" in omit):
                pending.append(edge.target)
    bundled = {node for node in tree.nodes.values() if node.entry.get("inBundle") is True}
    for node in tree.nodes.values():
        if node.parent is not None and node not in kept and node not in bundled:
            node.inert = True


def _is_called(link: Node, wanted: str) -> bool:
    if link.link is None:
        return False
    place = link.link.location
    directory = wanted.removeprefix("./").rstrip("/")
    name = link.link.package.get("name", link.name)
    return wanted in (name, link.name) or directory == place or place.startswith(f"{directory}/")


def _leave_out_late(tree: Tree, platform: Platform, omit: AbstractSet[str], host: Platform) -> None:
    """The same for an npm that finds out about optional packages as it unpacks them."""
    others = [node for node in tree.nodes.values() if node is not tree.root]
    for node in others:
        if not node.optional and not host.fits(node.package):
            raise _not_for(host, node)
    for node in others:
        if node.parent is not None and _omitted(node, tree, omit):
            node.inert = True
    bundled = bundled_nodes(tree)
    failing = [
        node
        for node in others
        if node.optional
        and node.parent is not None
        and not node.inert
        and node not in bundled
        and not _can_be_had(node, platform)
    ]
    for node in failing:
        for other in npm10.optional_set(node):
            other.inert = True


def _not_for(platform: Platform, node: Node) -> BuildError:
    return BuildError(
        f"this package is not for {platform.os}, {platform.cpu}, {platform.libc}",
        where=node.location,
        hint="npm refuses it too: only optional dependencies may be left out",
    )


def _check_engines(tree: Tree, platform: Platform, omit: AbstractSet[str]) -> None:
    for node in tree.nodes.values():
        if node.optional or platform.runs(node.package):
            continue
        if not tree.rules.leaves_out_late and _omitted(node, tree, omit):
            continue
        if node is tree.root and node.package.get("devEngines"):
            continue
        engines = node.package.get("engines")
        wanted = engines if isinstance(engines, dict) else {}
        raise BuildError(
            f"this package wants {', '.join(f'{tool} {text}' for tool, text in wanted.items())}; "
            f"the tree is for node {platform.node}, npm {platform.npm}",
            where=node.location or "the project",
            hint="engine-strict is set in .npmrc (npm: EBADENGINE); take another nodejs, or unset "
            "it",
        )


def _can_be_had(node: Node, platform: Platform) -> bool:
    """Whether an optional package fits; what the lock has no version of could not be had once."""
    known = node.link or node.package.get("version") or node.entry.get("resolved")
    return bool(known) and platform.fits(node.package) and platform.runs(node.package)


def _leave_out_optional(node: Node, platform: Platform, *, counts_inert: bool) -> None:
    if node.inert or _can_be_had(node, platform):
        return
    for other in _optional_set(node, counts_inert=counts_inert):
        other.inert = True


def _omitted(node: Node, tree: Tree, omit: AbstractSet[str]) -> bool:
    if not omit or not (node.top is tree.root or _is_workspace(node.top, tree)):
        return False
    return (
        (node.peer and "peer" in omit)
        or (node.dev and "dev" in omit)
        or (node.optional and "optional" in omit)
        or (node.dev_optional and {"dev", "optional"} <= omit)
    )


def _is_workspace(node: Node, tree: Tree) -> bool:
    edge = tree.root.edges_out.get(str(node.package.get("name")))
    if edge is None or edge.kind != "workspace" or edge.target is None:
        return False
    return node in (edge.target, edge.target.link)


def _optional_set(node: Node, *, counts_inert: bool) -> dict[Node, None]:
    """A package that cannot be installed, with who cannot do without it and what only they need."""
    core = {node: None}
    _grow(core, lambda one: [edge.source for edge in one.edges_in if not edge.optional])
    found = dict(core)

    def counts(edge: Edge) -> bool:
        return edge.target not in core and (counts_inert or not edge.source.inert)

    _grow(
        found,
        lambda one: [
            edge.target
            for edge in one.edges_out.values()
            if edge.target is not None and counts(edge)
        ],
    )
    changed = True
    while changed:
        changed = False
        for one in [*found]:
            if any(edge.source not in found and counts(edge) for edge in one.edges_in):
                del found[one]
                changed = True
    return found


def _grow(nodes: dict[Node, None], following: Callable[[Node], list[Node]]) -> None:
    pending = [*nodes]
    while pending:
        for node in following(pending.pop()):
            if node not in nodes:
                nodes[node] = None
                pending.append(node)
