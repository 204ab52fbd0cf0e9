"""What other caches have, which the fleet asks as well: it need not be in this one."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.concurrency import each
from npm2nixlite.binarycache.query import Elsewhere, Send
from npm2nixlite.errors import InputError
from npm2nixlite.store.narinfo import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.binarycache.plan import PlannedFile, PushPlan
    from npm2nixlite.binarycache.remote import RemoteCache
    from npm2nixlite.store.path import StorePath
    from npm2nixlite.store.signature import PublicKey

__all__ = ["Upstreams"]


class Upstreams:
    """Other caches, and what they were found to have; asked once for each path of a run.

    Args:
        caches: The caches, in the order they are asked.
        keys: Whose signatures the fleet trusts. What nobody signed is counted only where its
            content is addressed, as Nix does.
    """

    def __init__(self, caches: Sequence[RemoteCache], keys: Sequence[PublicKey]) -> None:
        self._caches = caches
        self._keys = keys
        self._known: dict[StorePath, bool] = {}

    async def without(self, plan: PushPlan, jobs: int) -> PushPlan:
        """A plan without what upstream has; what is wrong in the cache itself is sent all the same.

        Args:
            plan: What the cache lacks.
            jobs: How many requests run at once.

        Raises:
            BuildError: A cache cannot be asked.
        """
        wanted = [entry for entry in plan.missing if entry.state == Send()]
        unknown = [entry for entry in wanted if entry.path not in self._known]
        if self._caches and unknown:
            async with AsyncExitStack() as stack:
                opened = [
                    await stack.enter_async_context(cache.open(jobs)) for cache in self._caches
                ]

                async def look(entry: PlannedFile) -> None:
                    self._known[entry.path] = await self._has(opened, entry)

                await each(unknown, jobs, look)
        there = {entry.path for entry in wanted if self._known.get(entry.path)}
        return replace(
            plan,
            entries=tuple(
                replace(entry, state=Elsewhere()) if entry.path in there else entry
                for entry in plan.entries
            ),
        )

    async def _has(self, caches: Sequence[Backend], entry: PlannedFile) -> bool:
        for cache in caches:
            raw = await cache.get(f"{entry.path.digest}.narinfo")
            if raw is None:
                continue
            try:
                info = parse(raw.decode())
            except (InputError, UnicodeDecodeError):
                continue
            address = entry.file.content_address
            trusted = bool(address) and info.ca == address
            if info.path == entry.path and (
                trusted or any(key.verifies(info) for key in self._keys)
            ):
                return True
        return False
