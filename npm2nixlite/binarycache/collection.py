"""Making a binary cache smaller: remove what nobody wants to keep, and nothing that this needs.

A note in the cache says that a collection runs. A push looks at it before it asks what is there,
and after it has sent what was not: where there was one meanwhile, it asks again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.check import NARINFO
from npm2nixlite.binarycache.concurrency import each
from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.progress import ignore
from npm2nixlite.store.narinfo import NarInfo, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from npm2nixlite.binarycache.backend import Backend, CollectableBackend, Stat
    from npm2nixlite.progress import Advance
    from npm2nixlite.store.path import StorePath

__all__ = ["Garbage", "Retention", "collect", "find_garbage", "no_collection"]

_NOTE = "npm2nixlite-collection"
_ABANDONED = 900.0  # seconds; a collection that runs writes its note more often
_RENEWED = 60.0  # seconds
_POLL = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Retention:
    """What to keep, with all that it refers to.

    Attributes:
        since: What was written since then, in seconds since 1970; None for nothing.
        roots: Store paths; None for none.
        grace: Seconds for which everything that was written is kept: pushes may go on.
        jobs: How many requests run at once.
    """

    since: float | None = None
    roots: Collection[StorePath] | None = None
    grace: float = 86_400.0
    jobs: int = 16


@dataclass(slots=True)
class Garbage:
    """What is not to be kept.

    Attributes:
        kept: How many paths are.
        paths: A narinfo's key → the path it is of, those that refer to others before those.
        nars: The key of a NAR, or of another file about a path → its size in bytes.
        lost_roots: Roots that the cache has not got.
        unreadable: Narinfos that cannot be read; they stay.
    """

    kept: int = 0
    paths: dict[str, StorePath] = field(default_factory=dict)
    nars: dict[str, int] = field(default_factory=dict)
    lost_roots: list[StorePath] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes that removing it frees."""
        return sum(self.nars.values())


async def find_garbage(
    backend: Backend, retention: Retention, advance: Advance = ignore
) -> Garbage:
    """Find out what is not to be kept; nothing is changed.

    Raises:
        BuildError: The cache cannot be asked.
    """
    listed: dict[str, Stat] = {key: stat async for key, stat in backend.list()}
    infos: dict[str, NarInfo] = {}
    garbage = Garbage()

    async def read(key: str) -> None:
        raw = await backend.get(key)
        try:
            if raw is not None:
                infos[key] = parse(raw.decode())
        except (InputError, UnicodeDecodeError):
            garbage.unreadable.append(key)
        advance(1, 0)

    await each([key for key in listed if NARINFO.fullmatch(key)], retention.jobs, read)
    recent = time.time() - retention.grace
    oldest = recent if retention.since is None else min(recent, retention.since)
    roots = {f"{path.digest}.narinfo": path for path in retention.roots or ()}
    garbage.lost_roots += [path for key, path in roots.items() if key not in infos]
    kept = _with_references(
        infos,
        [key for key in infos if key in roots or _written(listed[key]) >= oldest],
    )
    garbage.kept = len(kept)
    used = {infos[key].url for key in kept}
    removed = {key: info for key, info in infos.items() if key not in kept}
    garbage.paths = {key: removed[key].path for key in _referrers_first(removed)}
    about = {info.path.digest for info in removed.values()}
    for key, stat in listed.items():
        unused = key.startswith("nar/") and key not in used
        listing = key.endswith(".ls") and key.removesuffix(".ls") in about
        if listing or (unused and _written(stat) < recent):
            garbage.nars[key] = stat.size or 0
    return garbage


async def collect(
    backend: CollectableBackend, retention: Retention, advance: Advance = ignore
) -> Garbage:
    """Remove what is not to be kept: narinfos before NARs, referrers before what they refer to.

    Args:
        backend: The cache, inside its context.
        retention: What to keep.
        advance: Told of each file that is removed.

    Returns:
        What is removed now.

    Raises:
        BuildError: Another collection runs; or the cache cannot be read or written. What was
            removed before stays so, and the cache is whole.
    """
    if _runs(await _note(backend)):
        raise BuildError(
            "another collection runs in this cache",
            where=backend.address,
            hint=f"one that was killed is forgotten after {_ABANDONED / 60:.0f} minutes",
        )
    token = secrets.token_hex(8)
    await _write_note(backend, token, running=True)
    written = time.monotonic()
    try:
        # Only now: what a push added before it saw the note is found, and kept.
        garbage = await find_garbage(backend, retention)

        async def remove(key: str) -> None:
            nonlocal written
            if time.monotonic() - written > _RENEWED:
                written = time.monotonic()
                await _write_note(backend, token, running=True)
            await backend.remove(key)
            advance(1, 0)

        for key in garbage.paths:  # one after the other: the order matters
            await remove(key)
        await each(garbage.nars, retention.jobs, remove)
    finally:
        await _write_note(backend, token, running=False)
    return garbage


async def no_collection(backend: Backend) -> str:
    """Wait until no collection runs.

    Returns:
        What is another one after each collection.

    Raises:
        BuildError: The cache cannot be asked.
    """
    while _runs(note := await _note(backend)):  # noqa: ASYNC110 (nobody here sets an event)
        await asyncio.sleep(_POLL)
    return str(note.get("token", ""))


def _written(stat: Stat) -> float:
    """When a file was put there; what does not tell counts as new."""
    return float("inf") if stat.modified is None else stat.modified


def _with_references(infos: dict[str, NarInfo], start: Iterable[str]) -> set[str]:
    pending, kept = list(start), set()
    while pending:
        key = pending.pop()
        if key in infos and key not in kept:
            kept.add(key)
            pending += [f"{path.digest}.narinfo" for path in infos[key].references]
    return kept


def _referrers_first(infos: dict[str, NarInfo]) -> list[str]:
    referrers = dict.fromkeys(infos, 0)
    below = {
        key: [
            other
            for path in info.references
            for other in [f"{path.digest}.narinfo"]
            if other in infos and other != key
        ]
        for key, info in infos.items()
    }
    for others in below.values():
        for other in others:
            referrers[other] += 1
    ready = [key for key, number in referrers.items() if not number]
    ordered: list[str] = []
    while ready:
        key = ready.pop()
        ordered.append(key)
        for other in below[key]:
            referrers[other] -= 1
            if not referrers[other]:
                ready.append(other)
    return ordered


async def _note(backend: Backend) -> dict[str, object]:
    raw = await backend.get(_NOTE)
    try:
        note = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def _runs(note: dict[str, object]) -> bool:
    when = note.get("time")
    return (
        note.get("state") == "running"
        and isinstance(when, int | float)
        and time.time() - when < _ABANDONED
    )


async def _write_note(backend: Backend, token: str, *, running: bool) -> None:
    note = {"state": "running" if running else "done", "token": token, "time": time.time()}
    await backend.put(_NOTE, json.dumps(note).encode(), "application/json")
