"""Checking a binary cache, and putting right what is wrong in it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.check import Check, CheckOptions, check
from npm2nixlite.binarycache.compression import Compression
from npm2nixlite.binarycache.plan import Options, PlannedFile, PushPlan
from npm2nixlite.binarycache.push import apply
from npm2nixlite.binarycache.query import Send
from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.integrity import Integrity
from npm2nixlite.nix import path_info
from npm2nixlite.progress import no_steps
from npm2nixlite.store import base32
from npm2nixlite.store.fixed_file import FixedFile
from npm2nixlite.store.narinfo import NarInfo, parse
from npm2nixlite.store.valid_path import ValidPath, references_first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.binarycache.remote import RemoteCache
    from npm2nixlite.cache import Cache
    from npm2nixlite.progress import Steps
    from npm2nixlite.store.path import StorePath
    from npm2nixlite.store.signature import SecretKey

__all__ = ["RepairOptions", "RepairReport", "check_cache"]


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """What to put right, and from where.

    Attributes:
        downloads: The download cache, for tarballs.
        local_store: Whether to look into the local Nix store, for everything.
        keys: What to sign with.
    """

    downloads: Cache
    local_store: bool = True
    keys: tuple[SecretKey, ...] = ()


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a check found, and what came of it.

    Attributes:
        check: What was found.
        repaired: The keys of narinfos that are right now.
    """

    check: Check
    repaired: tuple[str, ...] = ()

    @property
    def left(self) -> dict[str, str]:
        """What is wrong still: a narinfo's key → what."""
        return {key: fault for key, fault in self.check.faults.items() if key not in self.repaired}


def check_cache(
    cache: RemoteCache,
    options: CheckOptions,
    paths: Collection[StorePath] | None = None,
    repair: RepairOptions | None = None,
    steps: Steps = no_steps,
) -> RepairReport:
    """Check a cache, and put right what is wrong and can be had here.

    Args:
        cache: The cache.
        options: How closely.
        paths: Those to look at, with all that they refer to; None for all that are there.
        repair: How to put it right; None for not at all.
        steps: Shows ``checking`` and ``repairing``.

    Raises:
        UsageError: All are to be looked at, of a cache that cannot be asked for all that it has.
        InputError: It is no cache, or one for another store.
        BuildError: It cannot be asked, or takes no upload.
    """

    async def run() -> RepairReport:
        async with cache.open() as backend:
            total = len(paths) if paths is not None else 0
            found = await check(backend, options, paths, steps("checking")(total))
            if repair is None or not found.faults:
                return RepairReport(found)
            how = Options(options.store_dir, keys=repair.keys, jobs=options.jobs)
            repaired = await _repair(backend, found, how, repair, steps)
            return RepairReport(found, repaired)

    return asyncio.run(run())


async def _repair(
    backend: Backend, found: Check, how: Options, options: RepairOptions, steps: Steps
) -> tuple[str, ...]:
    infos = {key: await _info(backend, key) for key in found.faults}
    files: list[tuple[str, FixedFile, StorePath]] = []
    for key, info in infos.items():
        file = _download(info, options.downloads, how.store_dir) if info is not None else None
        if file is not None and info is not None:
            files.append((key, file, info.path))
    from_downloads = {key for key, *_ in files}
    wanted = [key for key in found.faults if key not in from_downloads]
    local = await _local(wanted, infos, how.store_dir) if options.local_store else []
    known = {_key(item): item for item in local}
    local = [item for key, item in known.items() if key in found.faults or key not in found.named]
    advance = steps("repairing")(len(files) + len(local))
    entries = [PlannedFile(file, path, Send(found.faults[key])) for key, file, path in files]
    await apply(backend, PushPlan(cache_is_new=False, entries=tuple(entries)), how, advance)
    for compression, share in _by_compression(local, infos).items():
        plan = PushPlan(
            cache_is_new=False,
            entries=tuple(
                PlannedFile(item, item.store_path, Send("repaired"))
                for item in references_first(share)
            ),
        )
        await apply(backend, plan, replace(how, compression=compression), advance)
    return tuple(key for key in found.faults if key in from_downloads or key in known)


async def _info(backend: Backend, key: str) -> NarInfo | None:
    raw = await backend.get(key)
    try:
        info = None if raw is None else parse(raw.decode())
    except (InputError, UnicodeDecodeError):
        return None
    return info if info is not None and info.key == key else None


def _download(info: NarInfo, downloads: Cache, store_dir: str) -> FixedFile | None:
    """The file in the download cache that a narinfo's content address is of."""
    kind, _, rest = info.ca.partition(":")
    recursive = rest.startswith("r:")
    algorithm, _, digest = rest.removeprefix("r:").partition(":")
    if kind != "fixed":
        return None
    try:
        integrity = Integrity.of(algorithm, base32.decode(digest))
        place = downloads.tree(integrity) if recursive else downloads.path(integrity)
        file = FixedFile(info.path.name, place, integrity, recursive=recursive)
        known = file.store_path(store_dir) == info.path
    except (InputError, ValueError, KeyError):
        return None
    return file if known and place.exists() else None


async def _local(
    keys: Iterable[str], infos: dict[str, NarInfo | None], store_dir: str
) -> list[ValidPath]:
    """What the local store has of some narinfos' paths, with what they refer to."""
    paths = []
    for key in keys:
        info = infos[key]
        path = str(info.path) if info is not None else await _found_by_digest(key, store_dir)
        if path is not None:
            paths.append(path)
    found: dict[StorePath, ValidPath] = {}
    for path in paths:
        try:
            for item in await path_info.closure([path]):
                found.setdefault(item.store_path, item)
        except (InputError, BuildError):
            continue  # it is not there, or there is no Nix
    return [
        replace(item, signatures=_signatures(item, infos.get(_key(item))))
        for item in found.values()
    ]


def _key(item: ValidPath) -> str:
    return f"{item.store_path.digest}.narinfo"


async def _found_by_digest(key: str, store_dir: str) -> str | None:
    digest = key.removesuffix(".narinfo")
    for root in await path_info.roots():
        directory = root / store_dir.lstrip("/")
        names = os.listdir(directory) if directory.is_dir() else []  # noqa: PTH208 (names)
        for name in names:
            if name.startswith(f"{digest}-") and not name.endswith(".lock"):
                return f"{store_dir}/{name}"
    return None


def _signatures(item: ValidPath, info: NarInfo | None) -> tuple[str, ...]:
    """Those of both, where they are for the same content."""
    if info is None or info.nar_hash != item.nar_hash:
        return item.signatures
    return tuple(sorted({*item.signatures, *info.signatures}))


def _by_compression(
    items: Sequence[ValidPath], infos: dict[str, NarInfo | None]
) -> dict[Compression, list[ValidPath]]:
    """As they were compressed, where that is told, and known here."""
    shares: dict[Compression, list[ValidPath]] = {}
    for item in items:
        info = infos.get(_key(item))
        try:
            compression = Compression(info.compression if info is not None else "zstd")
        except ValueError:
            compression = Compression.ZSTD
        shares.setdefault(compression, []).append(item)
    return shares
