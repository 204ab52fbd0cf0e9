"""Sources into the local Nix store."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.nix import local_store
from npm2nixlite.nix.version import require_nix
from npm2nixlite.progress import no_steps
from npm2nixlite.publish.healed import healed
from npm2nixlite.sources.collect import (
    Collected,
    SourceOptions,
    Sources,
    fetch_sources,
    read_sources,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.progress import Steps
    from npm2nixlite.store.path import StorePath

__all__ = ["Primed", "missing_here", "prime"]


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
    fetched: Collected | None
    seconds: float


def prime(
    files: Iterable[Path],
    options: SourceOptions,
    *,
    dry_run: bool = False,
    roots: Path | None = None,
    steps: Steps = no_steps,
) -> Primed:
    """Put what the packages of some files are filled from into the local Nix store.

    Args:
        files: Each a ``node-packages.nix``, or a directory that has one.
        options: Where sources come from.
        dry_run: Only find out what is missing: fetch and add nothing.
        roots: A directory for links that keep the paths from being collected; None for none.
        steps: Shows ``fetching`` and ``priming``.

    Raises:
        InputError: A file cannot be read, or this program did not write it.
        FetchError: Some could not be fetched or verified.
        BuildError: There is no Nix, it is too old, or it cannot add a path.
    """
    start = time.monotonic()
    sources = read_sources(files, options)
    require_nix("priming")
    plan, missing = missing_here(sources, options)
    absent = missing.absent(options.cache)
    fetched = None if dry_run else fetch_sources(missing, options, steps("fetching"))
    if plan.missing and not dry_run:
        advance = steps("priming")(len(plan.missing))

        def apply() -> None:
            with _scratch(options.cache) as scratch:
                asyncio.run(local_store.apply(plan, scratch, advance))

        healed(apply, missing, options)
    if roots is not None and not dry_run:
        local_store.add_roots([*plan.valid, *plan.missing], roots)
    return Primed(plan.valid, tuple(plan.missing), absent, fetched, time.monotonic() - start)


def missing_here(sources: Sources, options: SourceOptions) -> tuple[local_store.PrimePlan, Sources]:
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
