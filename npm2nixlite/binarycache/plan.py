"""What a push is to do: what a cache has of some files and store paths, and what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.binarycache import cache_info
from npm2nixlite.binarycache.address import DEFAULT_JOBS
from npm2nixlite.binarycache.compression import Compression
from npm2nixlite.binarycache.concurrency import each
from npm2nixlite.binarycache.query import Amend, Elsewhere, OtherBuild, Present, Send, State, ask
from npm2nixlite.progress import ignore
from npm2nixlite.store.path import DEFAULT_STORE_DIR, StorePath
from npm2nixlite.store.valid_path import ValidPath

if TYPE_CHECKING:
    from collections.abc import Iterable

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.progress import Advance
    from npm2nixlite.store.fixed_file import FixedFile
    from npm2nixlite.store.narinfo import NarInfo
    from npm2nixlite.store.signature import SecretKey

__all__ = [
    "DEFAULTS",
    "Options",
    "PlannedFile",
    "PushPlan",
    "Summary",
    "plan",
    "plan_new",
    "store_path_of",
]


@dataclass(frozen=True, slots=True)
class Options:
    """How to push.

    Attributes:
        store_dir: The logical store directory the cache is for.
        compression: Of the NARs; tarballs are compressed already.
        level: How hard to compress; None for what is usual.
        keys: What to sign with; a file fixed by its hash needs no signature.
        jobs: How many files are asked for, or sent, at once.
        priority: The cache's priority; None for that of what is there, or the usual one.
    """

    store_dir: str = DEFAULT_STORE_DIR
    compression: Compression = Compression.NONE
    level: int | None = None
    keys: tuple[SecretKey, ...] = ()
    jobs: int = DEFAULT_JOBS
    priority: int | None = None


DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file of a plan.

    Attributes:
        file: The file, or the path of the local store.
        path: Its store path.
        state: What the cache has of it.
    """

    file: FixedFile | ValidPath
    path: StorePath
    state: State


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What a cache has, and what it lacks.

    Attributes:
        cache_is_new: Whether ``nix-cache-info`` is missing there.
        entries: One for each store path, in the order of the files.
    """

    cache_is_new: bool
    entries: tuple[PlannedFile, ...]

    @property
    def missing(self) -> tuple[PlannedFile, ...]:
        """The files to send."""
        return tuple(entry for entry in self.entries if isinstance(entry.state, Send))

    @property
    def to_amend(self) -> tuple[NarInfo, ...]:
        """The narinfos to replace, though their NARs are there."""
        return tuple(entry.state.info for entry in self.entries if isinstance(entry.state, Amend))

    @property
    def present(self) -> int:
        """How many are there already, and need nothing."""
        return sum(isinstance(entry.state, Present | OtherBuild) for entry in self.entries)

    @property
    def upstream(self) -> int:
        """How many are not sent because an upstream cache has them."""
        return sum(isinstance(entry.state, Elsewhere) for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a push did.

    Attributes:
        present: Files the cache had.
        amended: Files it had, whose narinfo got its content address or our signature.
        sent: Files it has now.
        sent_bytes: The size of their NARs as they were sent.
        mismatches: Those of them whose narinfo was wrong, and what was wrong with it.
        other_builds: Paths it had from another build, which are left as they are.
        upstream: Files that an upstream cache has.
    """

    present: int
    amended: int
    sent: int
    sent_bytes: int
    mismatches: tuple[tuple[StorePath, str], ...]
    other_builds: tuple[StorePath, ...] = ()
    upstream: int = 0


def store_path_of(item: FixedFile | ValidPath, store_dir: str) -> StorePath:
    """Where an item lies in a store.

    Raises:
        InputError: A file's name cannot be a store path's.
    """
    return item.store_path if isinstance(item, ValidPath) else item.store_path(store_dir)


async def plan(
    backend: Backend,
    files: Iterable[FixedFile | ValidPath],
    options: Options = DEFAULTS,
    advance: Advance = ignore,
) -> PushPlan:
    """Ask a cache what it has; nothing is changed.

    Args:
        backend: The cache, inside its context.
        files: What it is to have; twice the same counts once.
        options: How to push.
        advance: Told of each answer.

    Raises:
        BuildError: The cache cannot be asked.
        InputError: It is for another store, or a name cannot be a store path's.
        FetchError: A file cannot be read.
    """
    if not await cache_info.is_there(backend, options.store_dir):
        return plan_new(files, options)
    paths = {store_path_of(file, options.store_dir): file for file in files}
    states: dict[StorePath, State] = {}

    async def look(path: StorePath) -> None:
        states[path] = await ask(backend, paths[path], path, options.keys)
        advance(1, 0)

    await each(paths, options.jobs, look)
    entries = (PlannedFile(file, path, states[path]) for path, file in paths.items())
    return PushPlan(cache_is_new=False, entries=tuple(entries))


def plan_new(files: Iterable[FixedFile | ValidPath], options: Options = DEFAULTS) -> PushPlan:
    """The plan for what is no cache yet: Nix would not ask it for anything, so neither do we.

    Whatever is there all the same is replaced.
    """
    paths = {store_path_of(file, options.store_dir): file for file in files}
    entries = (PlannedFile(file, path, Send()) for path, file in paths.items())
    return PushPlan(cache_is_new=True, entries=tuple(entries))
