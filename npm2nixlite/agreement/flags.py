"""What is true of a lock's packages: development, optional, peer, of no use.

npm does not take a lock's word for it. What arborist works out from who depends on whom
(``calc-dep-flags``) goes into the generated file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from npm2nixlite.assemble.groups import mark_groups
from npm2nixlite.lock.model import Lock, Package

if TYPE_CHECKING:
    from npm2nixlite.assemble.tree import Node, Tree

__all__ = ["with_true_flags"]


def with_true_flags(lock: Lock, tree: Tree) -> Lock:
    """A lock whose packages have the flags that npm works out.

    Args:
        lock: The lock.
        tree: Its tree, all flags set: of the lock and the package.json files beside it.

    Returns:
        The lock; a package that older releases of npm (which believe a lock that agrees with
        package.json) may install where its true flags leave it out is ``kept``.
    """
    mark_groups(tree)
    entries = tuple(
        _true(entry, tree.nodes.get(entry.install_path)) if isinstance(entry, Package) else entry
        for entry in lock.entries
    )
    return replace(lock, entries=entries)


def _true(package: Package, node: Node | None) -> Package:
    if node is None:  # npm takes it out of the tree
        return replace(package, extraneous=True)
    if node.extraneous:
        return replace(
            package, dev=False, optional=False, dev_optional=False, peer=False, extraneous=True
        )
    true = replace(
        package,
        dev=node.dev,
        optional=node.optional,
        dev_optional=node.dev_optional,
        peer=node.peer,
        extraneous=False,
    )
    return replace(true, kept=_may_leave_out(true) and _falls_short(package, true))


def _may_leave_out(package: Package) -> bool:
    return package.dev or package.optional or package.dev_optional or package.peer


def _falls_short(written: Package, true: Package) -> bool:
    """Whether the lock's own flags leave a package out in fewer cases."""
    return any(
        getattr(true, flag) and not getattr(written, flag)
        for flag in ("dev", "optional", "dev_optional", "peer")
    )
