"""The tree that a lock and the ``package.json`` files beside it describe, as arborist builds it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from npm2nixlite.assemble.load import described_entries
from npm2nixlite.assemble.tree import Tree, build_tree
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from npm2nixlite.agreement.manifests import Manifests
    from npm2nixlite.assemble.package_json import Json

__all__ = ["locked_tree"]


def locked_tree(
    lock: Json,
    manifests: Manifests,
    *,
    peers: bool = True,
    tarballs: Mapping[str, str] = MappingProxyType({}),
) -> Tree:
    """Build it.

    Args:
        lock: As it is; one of version 1 does not say what its packages depend on: the tarballs do.
        manifests: What stands in for the lock's word about the project and its directories.
        peers: Whether peer dependencies count.
        tarballs: Install path → the package's tarball, for a lock of version 1. What has none
            there has no edges.

    Raises:
        InputError: The lock has a link without target.
    """
    described = described_entries(lock, tarballs)
    for directory, package in manifests.directories.items():
        if directory in described:
            described[directory] = (described[directory][0], package)
    try:
        return build_tree(manifests.root, described, workspaces=manifests.workspaces, peers=peers)
    except KeyError as error:
        raise InputError(f"a link's target {error} is not in the lock") from error
