"""Pushing from several processes: one event loop takes a core to its limit before the network's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from npm2nixlite.binarycache import cache_info
from npm2nixlite.binarycache.push import (
    DEFAULTS,
    Plan,
    Progress,
    Summary,
    carry_out,
    plan,
    plan_new,
)
from npm2nixlite.binarycache.query import Present
from npm2nixlite.errors import BuildError
from npm2nixlite.workers import Workers, process_count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.binarycache.push import Entry, Options, Watch
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.store.fixed_file import FixedFile

    Opener = Callable[[int], Backend]
    """Opens the cache, for so many requests at once."""

__all__ = ["ask_all", "send_all"]

T = TypeVar("T")
Item = TypeVar("Item")


def ask_all(
    opener: Opener,
    files: Iterable[FixedFile],
    options: Options = DEFAULTS,
    watch: Watch = lambda _: None,
) -> Plan:
    """Ask a cache what it has, from as many processes as it takes; see `push.plan`.

    Args:
        opener: Makes a backend; called once in each process.
        files: What the cache is to have; twice the same counts once.
        options: How to push; its ``jobs`` are shared out.
        watch: Told of each answer.
    """
    unique = {(file.name, file.integrity): file for file in files}
    if not asyncio.run(_is_there(opener, options)):
        return plan_new(unique.values(), options)

    async def ask(share: Sequence[FixedFile], jobs: int, told: Watch) -> Plan:
        async with opener(jobs) as backend:
            return await plan(backend, share, replace(options, jobs=jobs), told)

    parts = _spread([[file] for file in unique.values()], ask, options.jobs, watch)
    return Plan(
        cache_is_new=any(part.cache_is_new for part in parts),
        entries=tuple(entry for part in parts for entry in part.entries),
    )


async def _is_there(opener: Opener, options: Options) -> bool:
    async with opener(1) as backend:
        return await cache_info.is_there(backend, options.store_dir)


def send_all(
    opener: Opener, what: Plan, options: Options = DEFAULTS, watch: Watch = lambda _: None
) -> Summary:
    """Send what a plan says is missing, from as many processes as it takes; see `push.carry_out`.

    Args:
        opener: Makes a backend; called once in each process.
        what: What the cache lacks.
        options: Those the plan was made with; its ``jobs`` are shared out.
        watch: Told of each file.
    """
    contents: dict[Integrity, list[Entry]] = {}
    for entry in what.entries:
        if not isinstance(entry.state, Present):
            contents.setdefault(entry.file.integrity, []).append(entry)
    # The largest first, so that they end up apart.
    groups = sorted(contents.values(), key=lambda group: -_size(group[0].file))

    async def send(share: Sequence[Entry], jobs: int, told: Watch) -> Summary:
        async with opener(jobs) as backend:
            part = replace(what, entries=tuple(share))
            return await carry_out(backend, part, replace(options, jobs=jobs), told)

    parts = _spread(groups, send, options.jobs, watch)
    return Summary(
        present=len(what.entries) - sum(map(len, groups)),
        amended=sum(part.amended for part in parts),
        sent=sum(part.sent for part in parts),
        sent_bytes=sum(part.sent_bytes for part in parts),
        lies=tuple(sorted(lie for part in parts for lie in part.lies)),
    )


def _size(file: FixedFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return 0  # sending tells what is wrong


def _spread(
    groups: Sequence[Sequence[Item]],
    do: Callable[[Sequence[Item], int, Watch], Awaitable[T]],
    jobs: int,
    watch: Watch,
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
            return await do(shares[0], jobs, watch)

        return [asyncio.run(alone())]
    results: dict[int, T] = {}
    latest: dict[int, Progress] = {}
    workers: Workers[tuple[int, Progress | tuple[T]]] = Workers()
    with workers:
        for number, share in enumerate(shares):
            workers.start(_worker(number, share, do, max(1, jobs // count)))
        for number, news in workers.reports():
            if isinstance(news, Progress):
                latest[number] = news
                watch(_together(latest.values()))
            else:
                [results[number]] = news
    if len(results) != count:
        raise BuildError(
            "a process ended before its work was done",
            hint="run it again: what the cache has already is skipped",
        )
    return [results[number] for number in range(count)]


def _together(parts: Collection[Progress]) -> Progress:
    return Progress(
        next(iter(parts)).stage,
        sum(part.done for part in parts),
        sum(part.total for part in parts),
        sum(part.sent for part in parts),
    )


def _worker(
    number: int,
    share: Sequence[Item],
    do: Callable[[Sequence[Item], int, Watch], Awaitable[T]],
    jobs: int,
) -> Callable[[Callable[[tuple[int, Progress | tuple[T]]], None]], Awaitable[None]]:
    async def work(report: Callable[[tuple[int, Progress | tuple[T]]], None]) -> None:
        result = await do(share, jobs, lambda progress: report((number, progress)))
        report((number, (result,)))

    return work
