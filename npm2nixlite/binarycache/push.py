"""Pushing files to a binary cache: ask, then send what is missing.

Each NAR goes up before its narinfo, so at whatever moment a push is cut off, the cache is whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from npm2nixlite.binarycache import cache_info
from npm2nixlite.binarycache.address import DEFAULT_JOBS
from npm2nixlite.binarycache.pack import Compression, is_quick, pack
from npm2nixlite.binarycache.query import Amend, Present, Send, State, ask
from npm2nixlite.files import scratch_directory
from npm2nixlite.progress import ignore
from npm2nixlite.store.narinfo import NarInfo, render
from npm2nixlite.store.path import DEFAULT_STORE_DIR, StorePath
from npm2nixlite.store.signature import sign

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.progress import Advance
    from npm2nixlite.store.fixed_file import FixedFile
    from npm2nixlite.store.signature import SecretKey

__all__ = [
    "DEFAULTS",
    "Entry",
    "Options",
    "Plan",
    "Summary",
    "apply",
    "plan",
    "plan_new",
    "push",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """How to push.

    Attributes:
        store_dir: The logical store directory the cache is for.
        compression: Of the NARs; tarballs are compressed already.
        key: What to sign with; a file fixed by its hash needs no signature.
        jobs: How many files are asked for, or sent, at once.
    """

    store_dir: str = DEFAULT_STORE_DIR
    compression: Compression = Compression.NONE
    key: SecretKey | None = None
    jobs: int = DEFAULT_JOBS


DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a plan.

    Attributes:
        file: The file.
        path: Its store path.
        state: What the cache has of it.
    """

    file: FixedFile
    path: StorePath
    state: State


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cache has, and what it lacks.

    Attributes:
        cache_is_new: Whether ``nix-cache-info`` is missing there.
        entries: One for each store path, in the order of the files.
    """

    cache_is_new: bool
    entries: tuple[Entry, ...]

    @property
    def missing(self) -> tuple[Entry, ...]:
        """The files to send."""
        return tuple(entry for entry in self.entries if isinstance(entry.state, Send))


@dataclass(frozen=True, slots=True)
class Summary:
    """What a push did.

    Attributes:
        present: Files the cache had.
        amended: Files it had, whose narinfo got its content address or our signature.
        sent: Files it has now.
        sent_bytes: The size of their NARs as they were sent.
        mismatches: Those of them whose narinfo was wrong, and what was wrong with it.
    """

    present: int
    amended: int
    sent: int
    sent_bytes: int
    mismatches: tuple[tuple[StorePath, str], ...]


async def push(
    backend: Backend,
    files: Iterable[FixedFile],
    options: Options = DEFAULTS,
    advance: Advance = ignore,
) -> Summary:
    """Put files into a binary cache, each under its fixed-output path; see `plan`, `apply`."""
    return await apply(backend, await plan(backend, files, options), options, advance)


async def plan(
    backend: Backend,
    files: Iterable[FixedFile],
    options: Options = DEFAULTS,
    advance: Advance = ignore,
) -> Plan:
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
    paths = {file.store_path(options.store_dir): file for file in files}
    states: dict[StorePath, State] = {}

    async def look(path: StorePath) -> None:
        states[path] = await ask(backend, paths[path], path, options.key)
        advance(1, 0)

    await _each(paths, options.jobs, look)
    entries = (Entry(file, path, states[path]) for path, file in paths.items())
    return Plan(cache_is_new=False, entries=tuple(entries))


def plan_new(files: Iterable[FixedFile], options: Options = DEFAULTS) -> Plan:
    """The plan for what is no cache yet: Nix would not ask it for anything, so neither do we.

    Whatever is there all the same is replaced.
    """
    paths = {file.store_path(options.store_dir): file for file in files}
    entries = (Entry(file, path, Send()) for path, file in paths.items())
    return Plan(cache_is_new=True, entries=tuple(entries))


async def apply(
    backend: Backend,
    plan: Plan,
    options: Options = DEFAULTS,
    advance: Advance = ignore,
) -> Summary:
    """Send what a plan says is missing.

    Args:
        backend: The cache, inside its context.
        plan: What it lacks.
        options: Those the plan was made with.
        advance: Told of each file.

    Raises:
        BuildError: The cache takes no upload; what it took already stays, and is whole.
        FetchError: A file's bytes do not have its hash; nothing of it goes into the cache.
    """
    if plan.cache_is_new:
        await cache_info.make(backend, options.store_dir)
    amend = [entry.state.info for entry in plan.entries if isinstance(entry.state, Amend)]
    await _each(amend, options.jobs, lambda info: _put_narinfo(backend, info))
    missing = plan.missing
    done = sent_bytes = 0
    with scratch_directory("npm2nixlite-push-") as scratch:

        async def send(entries: list[Entry]) -> None:
            nonlocal done, sent_bytes
            size = await _send(backend, entries, options, scratch)
            sent_bytes += size
            done += len(entries)
            advance(len(entries), size)

        await _each(_by_content(missing), options.jobs, send)
    return Summary(
        present=sum(isinstance(entry.state, Present) for entry in plan.entries),
        amended=len(amend),
        sent=done,
        sent_bytes=sent_bytes,
        mismatches=tuple(
            (entry.path, entry.state.mismatch)
            for entry in plan.entries
            if isinstance(entry.state, Send) and entry.state.mismatch
        ),
    )


async def _send(backend: Backend, entries: list[Entry], options: Options, scratch: Path) -> int:
    """Send one content under all the names it has; returns the bytes of its NAR as sent."""
    file = entries[0].file
    if is_quick(file, options.compression):
        packed = pack(file, options.compression, scratch)
    else:
        packed = await asyncio.to_thread(pack, file, options.compression, scratch)
    try:
        await backend.put(packed.key, packed.body, "application/x-nix-nar")
    finally:
        packed.discard()
    for entry in entries:
        info = NarInfo(
            path=entry.path,
            url=packed.key,
            nar_hash=packed.nar_hash,
            nar_size=packed.nar_size,
            compression=packed.compression,
            file_hash=packed.file_hash,
            file_size=packed.file_size,
            ca=file.content_address,
        )
        await _put_narinfo(backend, sign(info, options.key) if options.key else info)
    return packed.file_size


async def _put_narinfo(backend: Backend, info: NarInfo) -> None:
    await backend.put(info.key, render(info).encode(), "text/x-nix-narinfo")


def _by_content(entries: Iterable[Entry]) -> list[list[Entry]]:
    contents: dict[Integrity, list[Entry]] = {}
    for entry in entries:
        contents.setdefault(entry.file.integrity, []).append(entry)
    return list(contents.values())


async def _each(items: Iterable[T], jobs: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Do some work for each item, a few at once; the first failure ends it all."""
    pending: Iterator[T] = iter(items)

    async def worker() -> None:
        for item in pending:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
