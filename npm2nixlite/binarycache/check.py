"""Whether a binary cache is whole: each narinfo with its NAR, and with what it refers to."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.cache_info import is_there
from npm2nixlite.binarycache.concurrency import each
from npm2nixlite.binarycache.decompression import decompressor, starts_right
from npm2nixlite.binarycache.nar_file import nar_fault
from npm2nixlite.errors import InputError
from npm2nixlite.progress import ignore
from npm2nixlite.store.narinfo import NarInfo, parse

if TYPE_CHECKING:
    from collections.abc import Collection

    from npm2nixlite.binarycache.backend import Backend, Stat
    from npm2nixlite.progress import Advance
    from npm2nixlite.store.path import StorePath
    from npm2nixlite.store.signature import PublicKey

__all__ = ["Check", "CheckOptions", "check", "narinfo_keys"]

NARINFO = re.compile(r"[0123456789abcdfghijklmnpqrsvwxyz]{32}\.narinfo")
"""A narinfo's key."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What to look at.

    Attributes:
        store_dir: The store directory that the cache has to be for.
        deep: Whether to read each NAR, and compare its hashes.
        jobs: How many requests run at once.
        keys: Whose signature each path must have that is not fixed by its content; none for none.
    """

    store_dir: str
    deep: bool = False
    jobs: int = 16
    keys: tuple[PublicKey, ...] = ()


@dataclass(slots=True)
class Check:
    """What was found.

    Attributes:
        paths: How many narinfos there are.
        faults: A narinfo's key → what is wrong with it, for each that something is wrong with.
        named: A narinfo's key → the store path it is of, where it tells.
        unused: NARs that no narinfo names; a push that goes on, or was cut off, leaves such.
        unused_bytes: Their size.
        read_bytes: What was read of NARs.
    """

    paths: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    named: dict[str, StorePath] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    unused_bytes: int = 0
    read_bytes: int = 0


async def narinfo_keys(backend: Backend) -> list[str]:
    """The keys of all narinfos of a cache.

    Raises:
        UsageError: The cache cannot be asked for all that it has.
        BuildError: It cannot be asked at all.
    """
    return [key for key, _ in await _listed(backend) if NARINFO.fullmatch(key)]


async def check(
    backend: Backend,
    options: CheckOptions,
    paths: Collection[StorePath] | None = None,
    advance: Advance = ignore,
) -> Check:
    """Look at the narinfos of a cache, and at what they name.

    Args:
        backend: The cache, inside its context.
        options: How closely.
        paths: Those to look at, with all that they refer to; None for all that are there.
        advance: Told of each narinfo.

    Raises:
        UsageError: All are to be looked at, of a cache that cannot be asked for all that it has.
        InputError: It is no cache, or one for another store.
        BuildError: It cannot be asked.
    """
    if not await is_there(backend, options.store_dir):
        raise InputError(
            "there is no binary cache", where=backend.address, hint="check the address"
        )
    found = Check()
    checker = _Checker(backend, options, found)
    if paths is None:
        listed = await _listed(backend)
        keys = [key for key, _ in listed if NARINFO.fullmatch(key)]
        checker.known = set(keys)
    else:
        listed = []
        keys = [f"{path.digest}.narinfo" for path in paths]

    async def look(key: str) -> None:
        await checker.look(key)
        advance(1, 0)

    while keys:
        await each(keys, options.jobs, look)
        keys = [] if paths is None else checker.further()
    checker.check_references()
    for key, stat in listed:
        if key.startswith("nar/") and key not in checker.used:
            found.unused.append(key)
            found.unused_bytes += stat.size or 0
    return found


async def _listed(backend: Backend) -> list[tuple[str, Stat]]:
    return [item async for item in backend.list()]


class _Checker:
    def __init__(self, backend: Backend, options: CheckOptions, found: Check) -> None:
        self._backend = backend
        self._options = options
        self._found = found
        self._infos: dict[str, NarInfo] = {}
        self._seen: set[str] = set()
        self.known: set[str] | None = None
        self.used: set[str] = set()

    async def look(self, key: str) -> None:
        self._seen.add(key)
        self._found.paths += 1
        fault = await self._fault(key)
        if fault:
            self._found.faults[key] = fault

    def further(self) -> list[str]:
        """The narinfos that those looked at refer to."""
        wanted = {
            f"{path.digest}.narinfo" for info in self._infos.values() for path in info.references
        }
        return sorted(wanted - self._seen)

    def check_references(self) -> None:
        """Note each narinfo that refers to a path which is not there."""
        there = self.known if self.known is not None else set(self._infos)
        for key, info in self._infos.items():
            lost = [path for path in info.references if f"{path.digest}.narinfo" not in there]
            if lost and key not in self._found.faults:
                self._found.faults[key] = f"it refers to what is not there: {lost[0]}"

    async def _fault(self, key: str) -> str:
        raw = await self._backend.get(key)
        if raw is None:
            return "there is no such narinfo"
        try:
            info = parse(raw.decode())
        except (InputError, UnicodeDecodeError) as error:
            return f"it cannot be read: {getattr(error, 'what', 'it is not text')}"
        self.used.add(info.url)
        if info.key != key:
            return f"it is of another path: {info.path}"
        self._infos[key] = info
        self._found.named[key] = info.path
        if info.path.store_dir != self._options.store_dir:
            return f"it is of another store directory: {info.path}"
        keys = self._options.keys
        if keys and not info.ca and not any(public.verifies(info) for public in keys):
            return "none of the keys has signed it"
        return await nar_fault(self._backend, info) or await self._content_fault(info)

    async def _content_fault(self, info: NarInfo) -> str:
        """What the NAR's bytes tell: all of them, or the first."""
        file_hash, nar_hash = hashlib.sha256(), hashlib.sha256()
        file_size = nar_size = 0
        decompress = decompressor(info.compression) if self._options.deep else None
        async for piece in self._backend.read(info.url):
            if file_size == 0 and not starts_right(info.compression, piece):
                return f"its NAR is not compressed as it says: {info.compression}"
            file_size += len(piece)
            self._found.read_bytes += len(piece)
            if decompress is None:
                return ""
            file_hash.update(piece)
            try:
                nar = decompress(piece)
            except ValueError as error:
                return f"its NAR cannot be decompressed: {error}"
            nar_hash.update(nar)
            nar_size += len(nar)
        if info.file_hash not in (None, file_hash.digest()):
            return "its NAR's file has another hash"
        if (nar_size, nar_hash.digest()) != (info.nar_size, info.nar_hash):
            return "its NAR has another hash"
        return ""
