"""The use cases of stores: sources into the local one, sources and closures into others."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.binarycache import cache_info
from npm2nixlite.binarycache.address import DEFAULT_JOBS, is_cache
from npm2nixlite.binarycache.pack import Compression, require
from npm2nixlite.binarycache.push import Options
from npm2nixlite.binarycache.remote import RemoteCache
from npm2nixlite.errors import FetchError, UsageError
from npm2nixlite.messages import without_credentials
from npm2nixlite.nix import copy as nix_copy
from npm2nixlite.nix import local_store
from npm2nixlite.nix.version import require_nix
from npm2nixlite.progress import ignore, no_steps
from npm2nixlite.sources.collect import (
    Fetched,
    SourceOptions,
    Sources,
    fetch_sources,
    read_sources,
)
from npm2nixlite.store.path import DEFAULT_STORE_DIR
from npm2nixlite.store.signature import read_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from npm2nixlite.binarycache.credentials import Credentials
    from npm2nixlite.binarycache.push import Plan, Summary
    from npm2nixlite.cache import Cache
    from npm2nixlite.progress import Steps
    from npm2nixlite.store.path import StorePath
    from npm2nixlite.store.signature import SecretKey

__all__ = [
    "Copied",
    "Primed",
    "PushOptions",
    "Pushed",
    "SentSources",
    "prime",
    "push",
]


@dataclass(frozen=True)
class Primed:
    """What priming the local store did, or would do.

    Attributes:
        valid: Paths that it had.
        missing: Paths that it lacked, and, but for a dry run, has now.
        absent: How many contents of those were not in the download cache.
        fetched: What fetching them took; None in a dry run.
        seconds: Wall time of all of it.
    """

    valid: tuple[StorePath, ...]
    missing: tuple[StorePath, ...]
    absent: int
    fetched: Fetched | None
    seconds: float


def prime(
    files: Iterable[Path],
    options: SourceOptions,
    *,
    dry_run: bool = False,
    steps: Steps = no_steps,
) -> Primed:
    """Put what the packages of some files are filled from into the local Nix store.

    Args:
        files: Each a ``node-packages.nix``, or a directory that has one.
        options: Where sources come from.
        dry_run: Only find out what is missing: fetch and add nothing.
        steps: Shows ``fetching`` and ``priming``.

    Raises:
        InputError: A file cannot be read, or this program did not write it.
        FetchError: Some could not be fetched or verified.
        BuildError: There is no Nix, it is too old, or it cannot add a path.
    """
    start = time.monotonic()
    sources = read_sources(files, options)
    require_nix("priming")
    plan, missing = _missing_here(sources, options)
    absent = missing.absent(options.cache)
    fetched = None if dry_run else fetch_sources(missing, options, steps("fetching"))
    if plan.missing and not dry_run:
        advance = steps("priming")(len(plan.missing))
        with _scratch(options.cache) as scratch:
            asyncio.run(local_store.apply(plan, scratch, advance))
    return Primed(plan.valid, tuple(plan.missing), absent, fetched, time.monotonic() - start)


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """How to push.

    Attributes:
        sources: Where sources come from.
        store_dir: The logical store directory.
        dry_run: Only find out what is missing: fetch, send and make nothing.
        compression: Of NARs; None for none of sources, which are compressed, and zstd of others.
        key_file: What to sign with.
        credentials: For http and https; None for those in an address, or in a netrc.
        jobs: How many requests to the store run at once.
    """

    sources: SourceOptions
    store_dir: str = DEFAULT_STORE_DIR
    dry_run: bool = False
    compression: Compression | None = None
    key_file: Path | None = None
    credentials: Credentials | None = None
    jobs: int = DEFAULT_JOBS


@dataclass(frozen=True)
class SentSources:
    """What became of sources.

    Attributes:
        plan: What the cache had of those at hand.
        absent: How many were not at hand; none but in a dry run.
        summary: What was sent; None in a dry run.
        sending: Seconds of that.
    """

    plan: Plan
    absent: int
    summary: Summary | None
    sending: float


@dataclass(frozen=True)
class Copied:
    """What became of store paths, with all that they need.

    Attributes:
        present: How many the store had.
        missing: Those it lacks still; only in a dry run.
        copied: How many it got.
        seconds: Wall time.
    """

    present: int
    missing: tuple[str, ...]
    copied: int
    seconds: float


@dataclass(frozen=True)
class Pushed:
    """What a push did, or would do; each part is None where there was nothing of its kind.

    Attributes:
        store: The store, as messages show it.
        sources: Tarballs, and trees of git dependencies.
        closures: Store paths.
        fetched: What fetching sources took.
        seconds: Wall time of all of it.
    """

    store: str
    sources: SentSources | None
    closures: Copied | None
    fetched: Fetched | None
    seconds: float


def push(
    files: Sequence[Path],
    store_paths: Sequence[str],
    store: str,
    options: PushOptions,
    steps: Steps = no_steps,
) -> Pushed:
    """Put sources, and store paths with all that they need, into a store.

    Args:
        files: Each a ``node-packages.nix``, or a directory that has one.
        store_paths: In the local store.
        store: The address of a binary cache, or of any store that Nix knows.
        options: How to.
        steps: Shows ``fetching``, ``asking``, ``sending`` and ``copying``.

    Raises:
        UsageError: The address is of no store, or the options do not suit it.
        InputError: A file, a key or a store path cannot be used.
        FetchError: Some sources could not be fetched, or are not what their hash says.
        BuildError: The store takes no upload, or Nix fails.
    """
    start = time.monotonic()
    cache = _remote(store, options)
    if cache is not None:
        cache.open()  # an address that cannot be used is told before anything is fetched
    require(options.compression or Compression.NONE)
    key = None if options.key_file is None else read_secret_key(options.key_file)
    sources = read_sources(files, options.sources)
    fetched = sent = None
    if sources and cache is None:
        paths, fetched = _put_into_local_store(sources, store, options, steps)
        store_paths = [*store_paths, *paths]
    elif sources and cache is not None:
        if not options.dry_run:
            fetched = fetch_sources(sources, options.sources, steps("fetching"))
        sent = _send_sources(sources, cache, key, options, steps)
    copied = _copy(store_paths, store, cache, options, steps) if store_paths else None
    shown = without_credentials(store)
    return Pushed(shown, sent, copied, fetched, time.monotonic() - start)


def _remote(store: str, options: PushOptions) -> RemoteCache | None:
    """The binary cache; None where the store is none."""
    if not is_cache(store):
        return None
    fetch = options.sources.fetch
    return RemoteCache(store, options.credentials, options.jobs, fetch.retries, fetch.timeout)


def _send_sources(
    sources: Sources,
    cache: RemoteCache,
    key: SecretKey | None,
    options: PushOptions,
    steps: Steps,
) -> SentSources:
    from npm2nixlite.binarycache.pool import ask_all, send_all  # their HTTP library loads slowly

    compression = options.compression or Compression.NONE
    how = Options(options.store_dir, compression, key, options.jobs)
    downloads = options.sources.cache
    total = len(sources.files(downloads))
    files = (sources.at_hand(downloads) if options.dry_run else sources).files(downloads)
    plan = ask_all(cache, files, how, steps("asking")(len(files)))
    if options.dry_run:
        return SentSources(plan, total - len(files), None, 0.0)
    start = time.monotonic()
    advance = steps("sending")(len(plan.missing)) if plan.missing else ignore
    summary = send_all(cache, plan, how, advance)
    return SentSources(plan, 0, summary, time.monotonic() - start)


def _copy(
    paths: Sequence[str],
    store: str,
    cache: RemoteCache | None,
    options: PushOptions,
    steps: Steps,
) -> Copied:
    require_nix("pushing store paths")
    if options.credentials is not None:
        raise UsageError("Nix itself sends no token", hint="give user and password, in a netrc")
    # Nix would make a cache only to ask it, and does not say why it cannot.
    new = cache is not None and not asyncio.run(_is_there(cache, options.store_dir))
    with nix_copy.destination(
        store,
        compression=options.compression,
        key_file=options.key_file,
        jobs=options.jobs,
        retries=options.sources.fetch.retries,
    ) as destination:
        return asyncio.run(_copy_to(destination, paths, options, steps, new=new))


async def _is_there(cache: RemoteCache, store_dir: str) -> bool:
    async with cache.open(1) as backend:
        return await cache_info.is_there(backend, store_dir)


async def _copy_to(
    store: nix_copy.Destination,
    paths: Sequence[str],
    options: PushOptions,
    steps: Steps,
    *,
    new: bool,
) -> Copied:
    start = time.monotonic()
    closure = await nix_copy.closure(paths)
    lacking = closure if new else await nix_copy.missing(store, closure)
    if options.dry_run:
        return Copied(len(closure) - len(lacking), lacking, 0, time.monotonic() - start)
    copied = 0
    if lacking:
        copied = await nix_copy.copy(store, paths, steps("copying")(len(lacking)))
    return Copied(len(closure) - copied, (), copied, time.monotonic() - start)


def _put_into_local_store(
    sources: Sources, store: str, options: PushOptions, steps: Steps
) -> tuple[list[str], Fetched]:
    """Put sources into the local store, from where Nix can copy them; returns their paths."""
    shown = without_credentials(store)
    require_nix(f"pushing to {shown}")
    if options.dry_run:
        raise UsageError(
            "only Nix can ask this store, about what is in the local store",
            where=shown,
            hint="prime the local store first, and name the store paths; or leave out --dry-run",
        )
    asyncio.run(nix_copy.ping(store))
    plan, missing = _missing_here(sources, options.sources)
    fetched = fetch_sources(missing, options.sources, steps("fetching"))
    asyncio.run(local_store.apply(plan))
    return [*map(str, plan.valid), *map(str, plan.missing)], fetched


def _missing_here(
    sources: Sources, options: SourceOptions
) -> tuple[local_store.PrimePlan, Sources]:
    """What the local store has, and the sources that it lacks."""
    plan = asyncio.run(local_store.plan_here(sources.files(options.cache)))
    wanted = {(file.name, file.integrity) for file in plan.missing.values()}
    return plan, sources.only(wanted)


@contextmanager
def _scratch(cache: Cache) -> Iterator[Path | None]:
    """A place for hard links, beside the files; None where the cache is another user's."""
    try:
        partial = cache.partial_directory()
        scratch = partial.__enter__()
    except FetchError:
        yield None
        return
    try:
        yield scratch
    finally:
        partial.__exit__(None, None, None)
