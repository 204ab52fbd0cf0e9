"""What ``push`` hands to ``nix copy``: closures, and all that goes to stores only Nix can open."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from npm2nixlite.binarycache import cache_info
from npm2nixlite.cache import Cache
from npm2nixlite.cli.files import Sources, counter, fetch, tell_fetched
from npm2nixlite.errors import UsageError
from npm2nixlite.messages import plural, without_credentials
from npm2nixlite.nix import copy as nix_copy
from npm2nixlite.nix import local_store as prime
from npm2nixlite.nix.version import require_nix

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.binarycache.pack import Compression
    from npm2nixlite.cli.console import Console
    from npm2nixlite.sources.tarballs import FetchSummary

__all__ = ["push_closures", "put_into_local_store"]


def push_closures(
    paths: Sequence[str],
    parsed: argparse.Namespace,
    compression: Compression | None,
    cache: Backend | None,
    console: Console,
) -> dict[str, Any]:
    """Copy store paths with all that they need; returns the summary for programs.

    Args:
        paths: In the local store.
        parsed: The command line.
        compression: Of NARs; None for what suits.
        cache: The binary cache; None where the store is none.
        console: Where to say how it goes.

    Raises:
        UsageError: Nix knows no such store, or cannot do what the options ask for.
        InputError: A path is not in the local store.
        BuildError: There is no Nix, or it cannot copy.
    """
    require_nix("pushing store paths")
    if parsed.token_file is not None:
        raise UsageError("Nix itself sends no token", hint="give user and password, in a netrc")
    # Nix would make a cache only to ask it, and does not say why it cannot.
    new = cache is not None and not asyncio.run(_is_there(cache, paths[0]))
    with nix_copy.destination(
        parsed.to,
        compression=compression,
        key_file=parsed.key_file,
        jobs=parsed.jobs,
        retries=parsed.retries,
    ) as store:
        return asyncio.run(_copy(store, paths, console, new=new, dry_run=parsed.dry_run))


async def _is_there(cache: Backend, path: str) -> bool:
    async with cache:
        return await cache_info.is_there(cache, path.rpartition("/")[0])


async def _copy(
    store: nix_copy.Destination,
    paths: Sequence[str],
    console: Console,
    *,
    new: bool,
    dry_run: bool,
) -> dict[str, Any]:
    start = time.monotonic()
    closure = await nix_copy.closure(paths)
    lacking = closure if new else await nix_copy.missing(store, closure)
    total, present = plural(len(closure), "store path"), len(closure) - len(lacking)
    if dry_run:
        for path in lacking:
            console.detail(f"  {path}")
        console.say(f"{store.shown}: {total}: {len(lacking):,} to copy, {present:,} there already")
        return {"present": present, "toCopy": list(lacking)}
    copied = 0
    if lacking:
        told = counter(console.bar("copying")(len(lacking)))
        copied = await nix_copy.copy(store, paths, told)
    present = len(closure) - copied
    seconds = time.monotonic() - start
    console.say(
        f"{store.shown}: {total}: {copied:,} copied, {present:,} there already; {seconds:.1f} s"
    )
    return {"present": present, "copied": copied}


def put_into_local_store(
    sources: Sources, parsed: argparse.Namespace, console: Console
) -> tuple[list[str], FetchSummary]:
    """Put what packages are filled from into the local store, from where Nix can copy them.

    Returns:
        Their store paths; and what fetching those that were missing took.

    Raises:
        UsageError: Nix knows no such store as they are to go to; or this is to be a dry run.
        FetchError: Some could not be fetched.
        BuildError: There is no Nix, it is too old, or it cannot open one of the stores.
    """
    require_nix(f"pushing to {without_credentials(parsed.to)}")
    if parsed.dry_run:
        raise UsageError(
            "only Nix can ask this store, about what is in the local store",
            where=without_credentials(parsed.to),
            hint="prime the local store first, and name the store paths; or leave out --dry-run",
        )
    asyncio.run(nix_copy.ping(parsed.to))
    cache = Cache(parsed.cache_dir)
    plan = asyncio.run(prime.plan_here(sources.files(cache)))
    wanted = {(file.name, file.integrity) for file in plan.missing.values()}
    fetched = fetch(sources.only(wanted), cache, parsed, console)
    tell_fetched(console, fetched)
    asyncio.run(prime.apply(plan))
    return [*map(str, plan.valid), *map(str, plan.missing)], fetched
