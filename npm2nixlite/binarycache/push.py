"""Pushing to a binary cache: ask, then send what is missing.

Each NAR goes up before its narinfo, and a narinfo after those it refers to, so at whatever moment a
push is cut off, the cache is whole.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from npm2nixlite.binarycache import cache_info
from npm2nixlite.binarycache.concurrency import each
from npm2nixlite.binarycache.pack import is_quick, pack
from npm2nixlite.binarycache.plan import DEFAULTS, Options, PlannedFile, PushPlan, Summary, plan
from npm2nixlite.binarycache.query import OtherBuild, Send
from npm2nixlite.files import scratch_directory
from npm2nixlite.progress import ignore
from npm2nixlite.store.narinfo import NarInfo, render
from npm2nixlite.store.signature import sign
from npm2nixlite.store.valid_path import ValidPath

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.binarycache.pack import Packed
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.progress import Advance
    from npm2nixlite.store.fixed_file import FixedFile
    from npm2nixlite.store.path import StorePath

__all__ = ["apply", "push"]


async def push(
    backend: Backend,
    files: Iterable[FixedFile | ValidPath],
    options: Options = DEFAULTS,
    advance: Advance = ignore,
) -> Summary:
    """Put files and store paths into a binary cache; see `plan`, `apply`."""
    return await apply(backend, await plan(backend, files, options), options, advance)


async def apply(
    backend: Backend,
    plan: PushPlan,
    options: Options = DEFAULTS,
    advance: Advance = ignore,
) -> Summary:
    """Send what a plan says is missing.

    Args:
        backend: The cache, inside its context.
        plan: What it lacks; store paths after those they refer to.
        options: Those the plan was made with.
        advance: Told of each file.

    Raises:
        BuildError: The cache takes no upload; what it took already stays, and is whole.
        FetchError: A file's bytes do not have its hash; nothing of it goes into the cache.
    """
    await cache_info.ensure(backend, options.store_dir, options.priority)
    amend = plan.to_amend
    await each(amend, options.jobs, lambda info: _put_narinfo(backend, info))
    missing = plan.missing
    sent = sent_bytes = 0
    with scratch_directory("npm2nixlite-push-") as scratch:
        sender = _Sender(backend, options, scratch, missing)

        async def send(entries: list[PlannedFile]) -> None:
            nonlocal sent, sent_bytes
            size = await sender.send(entries)
            sent_bytes += size
            sent += len(entries)
            advance(len(entries), size)

        await each(_by_content(missing), options.jobs, send)
    return Summary(
        present=plan.present,
        amended=len(amend),
        sent=sent,
        sent_bytes=sent_bytes,
        mismatches=tuple(
            (entry.path, entry.state.mismatch)
            for entry in plan.entries
            if isinstance(entry.state, Send) and entry.state.mismatch
        ),
        other_builds=tuple(
            entry.path for entry in plan.entries if isinstance(entry.state, OtherBuild)
        ),
        upstream=plan.upstream,
    )


class _Sender:
    """Sends NARs at once, and each narinfo after those it refers to."""

    def __init__(
        self, backend: Backend, options: Options, scratch: Path, missing: Sequence[PlannedFile]
    ) -> None:
        self._backend = backend
        self._options = options
        self._scratch = scratch
        self._there = {entry.path: asyncio.Event() for entry in missing}
        self._cores = asyncio.Semaphore(os.cpu_count() or 1)

    async def send(self, entries: Sequence[PlannedFile]) -> int:
        """Send one content under all the names it has; returns the bytes of its NAR as sent."""
        packed = await self._pack(entries[0].file)
        try:
            await self._backend.put(packed.key, packed.body, "application/x-nix-nar")
        finally:
            packed.discard()
        for entry in entries:
            info = _narinfo(entry, packed)
            for reference in info.references:
                if reference in self._there and reference != entry.path:
                    await self._there[reference].wait()
            for key in self._options.keys:
                info = sign(info, key)
            await _put_narinfo(self._backend, info)
            self._there[entry.path].set()
        return packed.file_size

    async def _pack(self, file: FixedFile | ValidPath) -> Packed:
        compression, level = self._options.compression, self._options.level
        if is_quick(file, compression):
            return pack(file, compression, self._scratch, level)
        async with self._cores:
            return await asyncio.to_thread(pack, file, compression, self._scratch, level)


def _narinfo(entry: PlannedFile, packed: Packed) -> NarInfo:
    item = entry.file
    info = NarInfo(
        path=entry.path,
        url=packed.key,
        nar_hash=packed.nar_hash,
        nar_size=packed.nar_size,
        compression=packed.compression,
        file_hash=packed.file_hash,
        file_size=packed.file_size,
        ca=item.content_address,
    )
    if not isinstance(item, ValidPath):
        return info
    return replace(
        info, references=item.references, deriver=item.deriver, signatures=item.signatures
    )


async def _put_narinfo(backend: Backend, info: NarInfo) -> None:
    await backend.put(info.key, render(info).encode(), "text/x-nix-narinfo")


def _by_content(entries: Iterable[PlannedFile]) -> list[list[PlannedFile]]:
    """Files of one content together; store paths, which wait for each other, apart."""
    contents: dict[Integrity | StorePath, list[PlannedFile]] = {}
    for entry in entries:
        file = entry.file
        content = file.store_path if isinstance(file, ValidPath) else file.integrity
        contents.setdefault(content, []).append(entry)
    return list(contents.values())
