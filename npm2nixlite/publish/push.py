"""Sources, and store paths with all that they need, into binary caches and other stores."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.compression import Compression, require
from npm2nixlite.binarycache.plan import Options
from npm2nixlite.binarycache.remote import RemoteCache
from npm2nixlite.binarycache.upstream import Upstreams
from npm2nixlite.errors import Npm2nixliteError, UsageError
from npm2nixlite.messages import without_credentials
from npm2nixlite.nix import copy as nix_copy
from npm2nixlite.nix import local_store, path_info
from npm2nixlite.nix.version import require_nix
from npm2nixlite.progress import ignore, no_steps
from npm2nixlite.publish.healed import healed
from npm2nixlite.publish.options import Push, Pushed, Sent, check_store_options
from npm2nixlite.publish.prime import missing_here
from npm2nixlite.sources.collect import fetch_sources, read_sources
from npm2nixlite.store.signature import PublicKey, read_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from npm2nixlite.binarycache.plan import PushPlan
    from npm2nixlite.progress import Advance, Steps
    from npm2nixlite.publish.options import PushOptions
    from npm2nixlite.sources.collect import Sources
    from npm2nixlite.store.valid_path import ValidPath

__all__ = ["push"]


def push(
    files: Sequence[Path],
    store_paths: Sequence[str],
    stores: Sequence[str],
    options: PushOptions,
    steps: Steps = no_steps,
) -> Push:
    """Put sources, and store paths with all that they need, into stores.

    Args:
        files: Each a ``node-packages.nix``, or a directory that has one.
        store_paths: In the local store.
        stores: Addresses of binary caches, or of any stores that Nix knows.
        options: How to.
        steps: Shows ``fetching``, ``asking``, ``sending`` and ``copying``.

    Returns:
        What became of each store. Where there are several, a failure of one is told there, and does
        not end the others.

    Raises:
        UsageError: An address is of no store, or the options do not suit it.
        InputError: A file, a key or a store path cannot be used.
        FetchError: Some sources could not be fetched, or are not what their hash says.
        BuildError: The one store takes no upload, or Nix fails.
    """
    start = time.monotonic()
    pusher = _Pusher(options, steps)
    remotes = {store: options.remote(store) for store in dict.fromkeys(stores)}
    for remote in remotes.values():
        if remote is not None:
            remote.open()  # an address that cannot be used is told before anything is fetched
    sources = read_sources(files, options.sources)
    fetched = None
    if sources and any(remotes.values()) and not options.dry_run:
        fetched = fetch_sources(sources, options.sources, steps("fetching"))
    closure: list[ValidPath] = []
    if store_paths and any(remotes.values()):
        require_nix("pushing store paths")
        closure = asyncio.run(path_info.closure(store_paths))
    done = []
    for store, remote in remotes.items():
        try:
            if remote is None:
                use = partial(pusher.to_store, sources, store_paths, store)
            else:
                use = partial(pusher.to_cache, sources, closure, remote)
            done.append(healed(use, sources, options.sources))
        except Npm2nixliteError as error:
            if len(remotes) == 1:
                raise
            done.append(Pushed(without_credentials(store), error=error))
    return Push(tuple(done), fetched, time.monotonic() - start)


class _Pusher:
    """Pushes the same to one store after the other."""

    def __init__(self, options: PushOptions, steps: Steps) -> None:
        require(options.compression or Compression.NONE, options.level)
        self._options = options
        self._steps = steps
        self._how = Options(
            store_dir=options.store_dir,
            level=options.level,
            keys=tuple(map(read_secret_key, options.key_files)),
            jobs=options.jobs,
            priority=options.priority,
        )
        self._upstreams = _upstreams(options)

    def to_cache(
        self, sources: Sources, closure: Sequence[ValidPath], cache: RemoteCache
    ) -> Pushed:
        start = time.monotonic()
        sent = closures = None
        if sources:
            sent = self._settled(cache, lambda: self._send_sources(sources, cache))
        if closure:
            closures = self._settled(cache, lambda: self._send_closure(closure, cache))
        seconds = time.monotonic() - start
        return Pushed(cache.shown, sources=sent, closures=closures, seconds=seconds)

    def _settled(self, cache: RemoteCache, send: Callable[[], Sent]) -> Sent:
        """Send; and again where a collection ran meanwhile, which removes what was there."""
        if self._options.dry_run:
            return send()
        before = asyncio.run(_no_collection(cache))
        sent = send()
        while (after := asyncio.run(_no_collection(cache))) != before:
            before, sent = after, _together(sent, send())
        return sent

    def _send_sources(self, sources: Sources, cache: RemoteCache) -> Sent:
        from npm2nixlite.binarycache.pool import ask_all, send_all  # their library loads slowly

        how = replace(self._how, compression=self._options.compression or Compression.NONE)
        downloads, dry_run = self._options.sources.cache, self._options.dry_run
        total = len(sources.files(downloads))
        files = (sources.at_hand(downloads) if dry_run else sources).files(downloads)
        plan = ask_all(cache, files, how, self._steps("asking")(len(files)))
        plan = asyncio.run(self._upstreams.without(plan, how.jobs))
        if dry_run:
            return Sent(plan, total - len(files), None, 0.0)
        start = time.monotonic()
        summary = send_all(cache, plan, how, self._sending(plan))
        return Sent(plan, 0, summary, time.monotonic() - start)

    def _send_closure(self, closure: Sequence[ValidPath], cache: RemoteCache) -> Sent:
        how = replace(self._how, compression=self._options.compression or Compression.ZSTD)
        require(how.compression)
        return asyncio.run(self._send(closure, cache, how))

    async def _send(self, closure: Sequence[ValidPath], cache: RemoteCache, how: Options) -> Sent:
        from npm2nixlite.binarycache.plan import plan as plan_for
        from npm2nixlite.binarycache.push import apply

        async with cache.open() as backend:
            plan = await plan_for(backend, closure, how, self._steps("asking")(len(closure)))
            plan = await self._upstreams.without(plan, how.jobs)
            if self._options.dry_run:
                return Sent(plan, 0, None, 0.0)
            start = time.monotonic()
            summary = await apply(backend, plan, how, self._sending(plan))
            return Sent(plan, 0, summary, time.monotonic() - start)

    def _sending(self, plan: PushPlan) -> Advance:
        return self._steps("sending")(len(plan.missing)) if plan.missing else ignore

    def to_store(self, sources: Sources, store_paths: Sequence[str], store: str) -> Pushed:
        start = time.monotonic()
        options, shown = self._options, without_credentials(store)
        require_nix(f"pushing to {shown}")
        check_store_options(options, shown, has_sources=bool(sources))
        asyncio.run(nix_copy.ping(store))
        paths = list(store_paths)
        if sources:
            plan, missing = missing_here(sources, options.sources)
            fetch_sources(missing, options.sources, self._steps("fetching"))
            asyncio.run(local_store.apply(plan))
            paths += [*map(str, plan.valid), *map(str, plan.missing)]
        copied = asyncio.run(
            nix_copy.copy_closure(
                store,
                paths,
                jobs=options.jobs,
                dry_run=options.dry_run,
                progress=self._steps("copying"),
            )
        )
        return Pushed(shown, copied=copied, seconds=time.monotonic() - start)


async def _no_collection(cache: RemoteCache) -> str:
    from npm2nixlite.binarycache.collection import no_collection

    async with cache.open(1) as backend:
        return await no_collection(backend)


def _together(first: Sent, second: Sent) -> Sent:
    one, other = first.summary, second.summary
    if one is None or other is None:
        return second
    summary = replace(
        one,
        amended=one.amended + other.amended,
        sent=one.sent + other.sent,
        sent_bytes=one.sent_bytes + other.sent_bytes,
        mismatches=(*one.mismatches, *other.mismatches),
    )
    return replace(first, summary=summary, seconds=first.seconds + second.seconds)


def _upstreams(options: PushOptions) -> Upstreams:
    remotes = [RemoteCache(address, jobs=options.jobs) for address in options.upstreams]
    for remote in remotes:
        remote.open()
    if remotes and not options.upstream_keys:
        raise UsageError(
            "an upstream cache needs the key that the fleet trusts it by",
            where=remotes[0].shown,
            hint="name it: --upstream-key NAME:BASE64, as in trusted-public-keys",
        )
    return Upstreams(remotes, tuple(map(PublicKey.parse, options.upstream_keys)))
