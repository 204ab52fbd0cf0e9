"""Pushing from several processes: one event loop takes a core to its limit before the network's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from npm2nixlite.binarycache import cache_info
from npm2nixlite.binarycache.plan import DEFAULTS, PushPlan, Summary, plan, plan_new
from npm2nixlite.binarycache.push import apply
from npm2nixlite.binarycache.query import Amend, Send
from npm2nixlite.errors import BuildError
from npm2nixlite.progress import ignore
from npm2nixlite.store.fixed_file import FixedFile
from npm2nixlite.workers import Workers, process_count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from npm2nixlite.binarycache.plan import Options, PlannedFile
    from npm2nixlite.binarycache.remote import RemoteCache
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.progress import Advance


__all__ = ["ask_all", "send_all"]

T = TypeVar("T")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    """What a process made of its share."""

    result: T


def ask_all(
    cache: RemoteCache,
    files: Iterable[FixedFile],
    options: Options = DEFAULTS,
    advance: Advance = ignore,
) -> PushPlan:
    """Ask a cache what it has, from as many processes as it takes; see `push.plan`.

    Args:
        cache: The cache; opened once in each process.
        files: What the cache is to have; twice the same counts once.
        options: How to push; its ``jobs`` are shared out.
        advance: Told of each answer.
    """
    unique = {(file.name, file.integrity): file for file in files}
    if not asyncio.run(_is_there(cache, options)):
        advance(len(unique), 0)
        return plan_new(unique.values(), options)

    async def ask(share: Sequence[FixedFile], jobs: int, told: Advance) -> PushPlan:
        async with cache.open(jobs) as backend:
            return await plan(backend, share, replace(options, jobs=jobs), told)

    parts = _spread([[file] for file in unique.values()], ask, options.jobs, advance)
    return PushPlan(
        cache_is_new=any(part.cache_is_new for part in parts),
        entries=tuple(entry for part in parts for entry in part.entries),
    )


async def _is_there(cache: RemoteCache, options: Options) -> bool:
    async with cache.open(1) as backend:
        return await cache_info.is_there(backend, options.store_dir)


async def _ensure(cache: RemoteCache, options: Options) -> None:
    async with cache.open(1) as backend:
        await cache_info.ensure(backend, options.store_dir, options.priority)


def send_all(
    cache: RemoteCache, what: PushPlan, options: Options = DEFAULTS, advance: Advance = ignore
) -> Summary:
    """Send what a plan says is missing, from as many processes as it takes; see `push.apply`.

    Args:
        cache: The cache; opened once in each process.
        what: What the cache lacks.
        options: Those the plan was made with; its ``jobs`` are shared out.
        advance: Told of each file.
    """
    asyncio.run(_ensure(cache, options))
    contents: dict[Integrity, list[PlannedFile]] = {}
    for entry in what.entries:
        if isinstance(entry.state, Send | Amend) and isinstance(entry.file, FixedFile):
            contents.setdefault(entry.file.integrity, []).append(entry)
    # The largest first, so that they end up apart.
    groups = sorted(contents.values(), key=lambda group: -_size(group[0].file.path))

    async def send(share: Sequence[PlannedFile], jobs: int, told: Advance) -> Summary:
        async with cache.open(jobs) as backend:
            part = replace(what, entries=tuple(share))
            return await apply(backend, part, replace(options, jobs=jobs), told)

    parts = _spread(groups, send, options.jobs, advance)
    return Summary(
        present=what.present,
        amended=sum(part.amended for part in parts),
        sent=sum(part.sent for part in parts),
        upstream=what.upstream,
        sent_bytes=sum(part.sent_bytes for part in parts),
        mismatches=tuple(sorted(item for part in parts for item in part.mismatches)),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # sending tells what is wrong


def _spread(
    groups: Sequence[Sequence[Item]],
    do: Callable[[Sequence[Item], int, Advance], Awaitable[T]],
    jobs: int,
    advance: Advance,
) -> list[T]:
    """Deal groups of items out to processes; returns what each makes of its share."""
    if not groups:
        return []
    count = process_count(len(groups), jobs)
    shares = [
        [item for group in groups[number::count] for item in group] for number in range(count)
    ]
    if count == 1:

        async def alone() -> T:
            return await do(shares[0], jobs, advance)

        return [asyncio.run(alone())]
    results: dict[int, T] = {}
    workers: Workers[tuple[int, tuple[int, int] | _Done[T]]] = Workers()
    with workers:
        for number, share in enumerate(shares):
            workers.start(_worker(number, share, do, max(1, jobs // count)))
        for number, news in workers.reports():
            if isinstance(news, _Done):
                results[number] = news.result
            else:
                advance(*news)
    if len(results) != count:
        raise BuildError(
            "a process ended before its work was done",
            hint="run it again: what the cache has already is skipped",
        )
    return [results[number] for number in range(count)]


def _worker(
    number: int,
    share: Sequence[Item],
    do: Callable[[Sequence[Item], int, Advance], Awaitable[T]],
    jobs: int,
) -> Callable[[Callable[[tuple[int, tuple[int, int] | _Done[T]]], None]], Awaitable[None]]:
    async def work(report: Callable[[tuple[int, tuple[int, int] | _Done[T]]], None]) -> None:
        result = await do(share, jobs, lambda items, size: report((number, (items, size))))
        report((number, _Done(result)))

    return work
