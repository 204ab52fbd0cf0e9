"""Which sources a lock uses that npm's ``allow-git`` and its like are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.agreement.spec import parse_spec
from npm2nixlite.agreement.validity import Judge, is_project
from npm2nixlite.errors import InputError
from npm2nixlite.lock.model import GitRevision, LocalDirectory, LocalTarball, Lock, UrlTarball

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["SourceUse", "check_allowed", "refused_by_npm_12"]

_NPM_12 = {"git": "none", "remote": "none"}
_KINDS = {
    GitRevision: "git",
    UrlTarball: "remote",
    LocalTarball: "file",
    LocalDirectory: "directory",
}


@dataclass(frozen=True, slots=True)
class SourceUse:
    """A package from a source that npm can be told to refuse.

    Attributes:
        install_path: Where it stands.
        kind: ``git``, ``remote``, ``file`` or ``directory``.
        by_project: Whether the project or a workspace asks for it.
    """

    install_path: str
    kind: str
    by_project: bool


def check_allowed(
    lock: Lock, tree: Tree, judge: Judge, allowed: Mapping[str, str], registry: str | None
) -> tuple[SourceUse, ...]:
    """Refuse what ``allow-git`` and its like in ``.npmrc`` forbid, as npm does.

    Args:
        lock: The lock.
        tree: Its tree.
        judge: Of the tree's edges.
        allowed: Kind → ``all``, ``root`` or ``none``, as the project's ``.npmrc`` sets them.
        registry: The registry base, where one is known: what is on its host is no remote.

    Returns:
        What npm 12 would refuse by default, as nothing is set about it.

    Raises:
        InputError: A source is forbidden.
    """
    uses = list(_uses(lock, tree, judge, registry))
    refused = [use for use in uses if _is_refused(use, allowed.get(use.kind, "all"))]
    if refused:
        use = refused[0]
        more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
        raise InputError(
            f"allow-{use.kind}={allowed[use.kind]} in .npmrc forbids its source "
            f"(npm: EALLOW{use.kind.upper()}){more}",
            where=(lock.file, use.install_path),
            hint=f"set 'allow-{use.kind}=all' in .npmrc, or depend on it in another way",
        )
    return tuple(
        use
        for use in uses
        if use.kind not in allowed and _is_refused(use, _NPM_12.get(use.kind, "all"))
    )


def refused_by_npm_12(uses: tuple[SourceUse, ...]) -> Iterator[str]:
    """What to say of sources that npm 12 refuses by default: one text for each kind."""
    for kind in dict.fromkeys(use.kind for use in uses):
        paths = [use.install_path for use in uses if use.kind == kind]
        value = "root" if all(use.by_project for use in uses if use.kind == kind) else "all"
        what = "git" if kind == "git" else "addresses off the registry"
        shown = ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
        yield (
            f"npm 12 refuses packages from {what} by default ({shown}); "
            f"for npm, put 'allow-{kind}={value}' into .npmrc"
        )


def _uses(lock: Lock, tree: Tree, judge: Judge, registry: str | None) -> Iterator[SourceUse]:
    for package in lock.packages:
        kind = _KINDS.get(type(package.source))
        node = tree.nodes.get(package.install_path)
        if kind is None or node is None or node.extraneous:
            continue
        if isinstance(package.source, UrlTarball) and _of_registry(
            node, package.source.url, registry
        ):
            continue
        if kind == "directory" and "node_modules" not in package.install_path.split("/"):
            continue  # what a link leads to
        yield SourceUse(
            package.install_path,
            kind,
            any(
                judge.error(edge) is None and is_project(tree, edge.source)
                for edge in node.edges_in
            ),
        )


def _of_registry(node: Node, url: str, registry: str | None) -> bool:
    """Whether npm takes an address for the registry's own: it is there, and nobody gave it."""
    if registry is None or not url.startswith(registry):
        return False
    kinds = {parse_spec(edge.wanted).kind for edge in node.edges_in}
    return bool(kinds) and kinds <= {"version", "range", "tag"}


def _is_refused(use: SourceUse, allowed: str) -> bool:
    return allowed == "none" or (allowed == "root" and not use.by_project)
