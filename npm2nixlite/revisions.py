"""Git dependencies: each commit's tree checked out once, hashed as Nix hashes it, and looked into.

What a commit holds never changes, so what was found out about it is kept, and asked for no more.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache, Revision, unwritable
from npm2nixlite.errors import FetchError, InputError
from npm2nixlite.integrity import Integrity
from npm2nixlite.lock import LOCK_NAMES
from npm2nixlite.store.nar import dump

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.lock.git import GitTree

__all__ = ["ResolvedTree", "resolve_revisions"]

_AT_ONCE = 4
_PACKING_SCRIPTS = ("prepublish", "preprepare", "prepare", "postprepare", "prepack")
"""What npm may run in a git dependency before it packs it."""


@dataclass(frozen=True, slots=True)
class ResolvedTree:
    """What a git tree turned out to be.

    Attributes:
        sha256: The hash of its NAR.
        submodules: Whether submodules' files are in it.
        obstacles: Why packing its files would not give what npm packs; empty where it would.
    """

    sha256: Integrity
    submodules: bool
    obstacles: tuple[str, ...]


def resolve_revisions(
    wanted: Mapping[GitTree, str], cache: Cache, options: FetchOptions, *, offline: bool = False
) -> dict[GitTree, ResolvedTree]:
    """Find every tree's hash, and what keeps it from being packed as it is.

    Args:
        wanted: Trees, each with an install path, for messages.
        cache: Looked into first; takes what is found out.
        options: Timeout.
        offline: Open no connection.

    Raises:
        FetchError: Some could not be fetched; the message lists every one.
    """
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
        tree: ResolvedTree(
            revision.sha256,
            revision.submodules,
            tuple(_obstacles(tree, cache.tree(revision.sha256))),
        )
        for tree, revision in found.items()
        if revision is not None
    }


def _look(tree: GitTree, place: Path, cache: Cache, options: FetchOptions) -> Revision:
    submodules = _check_out(tree, place, options)
    digest = hashlib.sha256()
    try:
        for piece in dump(place):
            digest.update(piece)
        revision = Revision(Integrity.of("sha256", digest.digest()), submodules)
        cache.add_revision(str(tree), revision, place)
    except OSError as error:
        raise unwritable(cache.directory, error) from error
    except InputError as error:
        raise FetchError(error.what, where=error.where) from error
    return revision


def _check_out(tree: GitTree, place: Path, options: FetchOptions) -> bool:
    from npm2nixlite.fetch.git import check_out

    try:
        return check_out(
            tree.url, tree.rev, place, submodules=not tree.on_forge, timeout=options.timeout
        )
    except FetchError:
        if tree.ssh is None:
            raise
        # As npm does: a private repository may be open to the user's ssh key only. The address
        # that is written stays the same, and the hash is the same by any way.
        shutil.rmtree(place, ignore_errors=True)
        try:
            return check_out(tree.ssh, tree.rev, place, submodules=False, timeout=options.timeout)
        except FetchError:
            shutil.rmtree(place, ignore_errors=True)
        raise


def _obstacles(tree: GitTree, place: Path) -> Collection[str]:
    """Why packing the tree's files would not give what npm packs; empty where it would."""
    found: list[str] = []
    try:
        manifest = json.loads(_own_file(place, f"{tree.directory}/package.json").read_bytes())
        scripts = manifest.get("scripts") or {}
        ours = [name for name in _PACKING_SCRIPTS if isinstance(scripts, dict) and name in scripts]
    except FileNotFoundError:
        return ["it has no package.json"]
    except (OSError, ValueError, AttributeError) as error:
        return [f"its package.json cannot be read: {error}"]
    if manifest.get("bundleDependencies") or manifest.get("bundledDependencies"):
        found.append("npm packs dependencies of its own with it, and these are in no lock here")
    if ours:
        names = ", ".join(ours)
        locked = any((place / tree.directory / name).is_file() for name in LOCK_NAMES)
        found.append(
            f"npm installs its dependencies and builds it before packing it (scripts: {names}); "
            + ("it has a lock for them, but is not built here" if locked else "they are in no lock")
        )
    attributes = (path for path in place.rglob(".gitattributes") if path.is_file())
    if tree.on_forge and any(map(_keeps_from_archives, attributes)):
        found.append(
            "npm takes the forge's archive of it, and its .gitattributes make that differ from "
            "the commit (export-ignore, export-subst)"
        )
    return found


def _own_file(place: Path, path: str) -> Path:
    """A file of the tree; what a link leads to is not the tree's, and may never end."""
    file = place / path.lstrip("/")
    if file.is_symlink() or file.resolve() != place.resolve() / path.lstrip("/"):
        raise FileNotFoundError
    return file


def _keeps_from_archives(attributes: Path) -> bool:
    if attributes.is_symlink():
        return False  # git does not read such a one
    text = attributes.read_text("utf-8", "replace")
    return any(
        {"export-ignore", "export-subst"} & set(line.split()[1:])
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
    )


def _fetch_error(
    failures: Mapping[GitTree, FetchError], wanted: Mapping[GitTree, str]
) -> FetchError:
    lines = [f"{len(failures):,} of {len(wanted):,} git revisions could not be fetched:"]
    for tree, error in sorted(failures.items()):
        lines += [f"  {tree} ({wanted[tree]}):", f"    {error.what}"]
    hints = dict.fromkeys(error.hint for error in failures.values() if error.hint)
    return FetchError("\n".join(lines), hint="\n  ".join(hints))
