"""All that a project's git dependencies need: their trees, and what these are built with.

One that npm builds before it packs it is built by the lock in its own repository. That lock may
have git dependencies in turn, so it goes on until nothing new comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from npm2nixlite.agreement.decision import decide
from npm2nixlite.config.tree_settings import TreeSettings
from npm2nixlite.errors import FetchError, InputError
from npm2nixlite.lock.parse import read_lock
from npm2nixlite.plan import plan_lock
from npm2nixlite.sources.git_prepare import inspect_tree
from npm2nixlite.sources.git_trees import ResolvedTree, resolve_revisions
from npm2nixlite.sources.local_files import pin_local_file
from npm2nixlite.sources.resolve import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.lock.git import GitTree
    from npm2nixlite.node_packages.model import LocalPin
    from npm2nixlite.plan import Plan

__all__ = ["GitSources", "OwnLock", "find_git_sources"]


@dataclass(frozen=True)
class OwnLock:
    """The lock in a git dependency's own repository, by which it is built.

    Attributes:
        tree: The git dependency.
        wanted: What the lock needs, under the configuration of the project that wants it.
        local: Install path → tarball of the repository itself.
    """

    tree: GitTree
    wanted: Wanted
    local: Mapping[str, LocalPin]

    @property
    def plan(self) -> Plan:
        """What the lock needs."""
        return self.wanted.plan


@dataclass(frozen=True)
class GitSources:
    """What a project's git dependencies came to.

    Attributes:
        revisions: Every tree, those included that only building another needs.
        obstacles: Of each of the project's trees, why what npm packs cannot be had; mostly empty.
        own_locks: Of all trees that are built, in the order of their addresses.
    """

    revisions: Mapping[GitTree, ResolvedTree]
    obstacles: Mapping[GitTree, tuple[str, ...]]
    own_locks: tuple[OwnLock, ...]


def find_git_sources(
    wanted: Wanted, cache: Cache, options: FetchOptions, *, offline: bool = False
) -> GitSources:
    """Fetch a project's git trees, and read the locks that some of them are built by.

    Args:
        wanted: The project.
        cache: Looked into first; takes the trees.
        options: Timeout.
        offline: Open no connection.

    Raises:
        FetchError: Some could not be fetched; the message lists every one.
    """
    revisions: dict[GitTree, ResolvedTree] = {}
    obstacles: dict[GitTree, list[str]] = {}
    own_locks: dict[GitTree, OwnLock] = {}
    registry = wanted.plan.registry
    level = {tree: paths[0] for tree, paths in wanted.plan.trees.items()}
    while level:
        found = resolve_revisions(level, cache, options, offline=offline)
        revisions |= found
        level = {}
        for tree, revision in found.items():
            needs = inspect_tree(tree, revision.place)
            obstacles[tree] = list(needs.obstacles)
            if needs.lock is None or needs.obstacles:
                continue
            try:
                own = _own_lock(tree, revision.place, needs.lock, wanted, registry)
            except (FetchError, InputError) as error:
                obstacles[tree].append(f"npm builds it by its own lock, but {error.what}")
                continue
            own_locks[tree] = own
            registry = registry or own.plan.registry
            level |= {
                below: f"{paths[0]} of {tree}"
                for below, paths in own.plan.trees.items()
                if below not in revisions
            }
    reasons = {tree: tuple(_reasons(tree, obstacles, own_locks)) for tree in revisions}
    built: dict[GitTree, OwnLock] = {}
    pending = [tree for tree in wanted.plan.trees if not reasons[tree]]
    while pending:
        tree = pending.pop()
        if tree in own_locks and tree not in built:
            built[tree] = own_locks[tree]
            pending += own_locks[tree].plan.trees
    return GitSources(
        revisions,
        {tree: reasons[tree] for tree in wanted.plan.trees},
        tuple(built[tree] for tree in sorted(built, key=str)),
    )


def _own_lock(
    tree: GitTree, place: Path, file: Path, wanted: Wanted, registry: str | None
) -> OwnLock:
    """Read a repository's lock, as npm would install by it.

    Raises:
        InputError: It cannot be used, or is out of step with its package.json: then npm would
            not go by it.
        FetchError: A tarball in the repository is not the one of the lock.
    """
    lock = read_lock(file)
    config = wanted.config
    decision = decide(
        lock, TreeSettings(legacy_peer_deps=wanted.decision.settings.legacy_peer_deps)
    )
    # What the messages say of it must not depend on where the cache is.
    named = replace(decision.lock, file=f"{tree}/{file.name}")
    plan = plan_lock(named, config.scope_registry, registry)
    local: dict[str, LocalPin] = {}
    for tarball in plan.local_files:
        path = file.parent / tarball.path
        if not path.resolve().is_relative_to(place.resolve()):
            raise InputError(f"{tarball.path} is not in its repository")
        pin = pin_local_file(tarball, file.parent)
        local |= dict.fromkeys(tarball.install_paths, pin)
    return OwnLock(tree, Wanted(plan, config, decision), local)


def _reasons(
    tree: GitTree,
    obstacles: Mapping[GitTree, list[str]],
    own_locks: Mapping[GitTree, OwnLock],
    above: tuple[GitTree, ...] = (),
) -> list[str]:
    """Why a tree cannot be packed as npm would do it, or not be built."""
    found = list(obstacles[tree])
    own = own_locks.get(tree)
    if own is None:
        return found
    if tree in above:
        return [*found, "it is needed to build itself"]
    below = [(blocker.install_path, blocker.reason) for blocker in own.plan.blockers]
    for other, paths in own.plan.trees.items():
        reasons = _reasons(other, obstacles, own_locks, (*above, tree))
        below += ((paths[0], f"git dependency: {reason}") for reason in reasons)
    return [*found, *(f"its own lock is not canonical: {path}: {reason}" for path, reason in below)]
