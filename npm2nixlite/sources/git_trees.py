"""Git dependencies: each commit's tree checked out once, and hashed as Nix hashes it.

What a commit holds never changes, so what was found out about it is kept, and asked for no more.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache, Revision, unwritable
from npm2nixlite.errors import FetchError, InputError
from npm2nixlite.files import remove_tree
from npm2nixlite.integrity import Integrity
from npm2nixlite.sources.upkeep import drop_wrong
from npm2nixlite.store.nar import dump

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.lock.git import GitTree

__all__ = ["ResolvedTree", "resolve_revisions"]

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class ResolvedTree:
    """What a git tree turned out to be.

    Attributes:
        sha256: The hash of its NAR.
        submodules: Whether submodules' files are in it.
        place: Where its files are, the repository's root.
    """

    sha256: Integrity
    submodules: bool
    place: Path


def resolve_revisions(
    wanted: Mapping[GitTree, str], cache: Cache, options: FetchOptions, *, offline: bool = False
) -> dict[GitTree, ResolvedTree]:
    """Find every tree's hash, and have its files in the cache.

    Args:
        wanted: Trees, each with an install path, for messages.
        cache: Looked into first; takes what is found out.
        options: Timeout.
        offline: Open no connection.

    Raises:
        FetchError: Some could not be fetched; the message lists every one.
    """
    found = {tree: cache.revision(str(tree)) for tree in wanted}
    # Their files are read, so they are held to their hash again.
    dropped = drop_wrong(cache, (), [known.sha256 for known in found.values() if known is not None])
    if dropped:
        found = {tree: cache.revision(str(tree)) for tree in wanted}
    missing = [tree for tree, revision in found.items() if revision is None]
    failures: dict[GitTree, FetchError] = {}
    if offline:
        error = FetchError("not in the cache", hint="run it without --offline")
        failures = dict.fromkeys(missing, error)
    elif missing:
        with cache.partial_directory() as partial, ThreadPoolExecutor(_AT_ONCE) as threads:
            places = [partial / f"tree-{number}" for number in range(len(missing))]

            def look(tree: GitTree, place: Path) -> Revision | FetchError:
                try:
                    return _look(tree, place, cache, options)
                except FetchError as error:
                    return error

            for tree, outcome in zip(missing, threads.map(look, missing, places), strict=True):
                if isinstance(outcome, FetchError):
                    failures[tree] = outcome
                else:
                    found[tree] = outcome
    if failures:
        raise _fetch_error(failures, wanted)
    return {
        tree: ResolvedTree(revision.sha256, revision.submodules, cache.tree(revision.sha256))
        for tree, revision in found.items()
        if revision is not None
    }


def _look(tree: GitTree, place: Path, cache: Cache, options: FetchOptions) -> Revision:
    submodules = _check_out(tree, place, options)
    digest = hashlib.sha256()
    try:
        for piece in dump(place):
            digest.update(piece)
    except OSError as error:
        raise FetchError(f"its files cannot be read: {error.strerror or error}") from error
    except InputError as error:
        raise FetchError(error.what, where=error.where) from error
    try:
        revision = Revision(Integrity.of("sha256", digest.digest()), submodules)
        cache.add_revision(str(tree), revision, place)
    except OSError as error:
        raise unwritable(cache.directory, error) from error
    return revision


def _check_out(tree: GitTree, place: Path, options: FetchOptions) -> bool:
    from npm2nixlite.sources.git_checkout import check_out

    try:
        return check_out(
            tree.url, tree.rev, place, submodules=not tree.on_forge, timeout=options.timeout
        )
    except FetchError:
        if tree.ssh is None:
            raise
        # As npm does: a private repository may be open to the user's ssh key only. The address
        # that is written stays the same, and the hash is the same by any way.
        remove_tree(place)
        try:
            return check_out(tree.ssh, tree.rev, place, submodules=False, timeout=options.timeout)
        except FetchError:
            remove_tree(place)
        raise


def _fetch_error(
    failures: Mapping[GitTree, FetchError], wanted: Mapping[GitTree, str]
) -> FetchError:
    lines = [f"{len(failures):,} of {len(wanted):,} git revisions could not be fetched:"]
    for tree, error in sorted(failures.items()):
        lines += [f"  {tree} ({wanted[tree]}):", f"    {error.what}"]
    hints = dict.fromkeys(error.hint for error in failures.values() if error.hint)
    return FetchError("\n".join(lines), hint="\n  ".join(hints))
