"""Spread jobs over processes, and gather what came of them."""

from __future__ import annotations

import asyncio
import multiprocessing
from dataclasses import replace
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.job import Fetched
from npm2nixlite.fetch.tls import Tls
from npm2nixlite.fetch.worker import Report, work
from npm2nixlite.workers import Workers, process_count

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from npm2nixlite.cache import Cache
    from npm2nixlite.fetch.job import Failure, FetchOptions, Job
    from npm2nixlite.progress import Advance

__all__ = ["fetch_all", "fetch_first"]


def fetch_all(
    jobs: Sequence[Job],
    cache: Cache,
    options: FetchOptions,
    advance: Advance = lambda _items, _size: None,
) -> list[Fetched | Failure]:
    """Fetch, verify and cache tarballs.

    Args:
        jobs: Each of them once.
        cache: Where they go.
        options: Connections, retries, timeout.
        advance: Told of each tarball that is through, and of bytes as they come.

    Returns:
        What came of each job, in their order. One failure stops no other job.

    Raises:
        FetchError: The cache cannot be written.
        InputError: npm's configuration has credentials or authorities that cannot be used.
        KeyboardInterrupt: The run was interrupted; nothing half-written is left.
    """
    if not jobs:
        return []
    tally = _Tally(len(jobs), advance)
    tls = Tls()
    for config, url in {id(j.config): (j.config, j.url) for j in jobs if _is_https(j)}.values():
        tls.context(config.tls(url))  # once, not once a process
    with cache.partial_directory() as partial:
        processes = process_count(len(jobs), options.connections, options.processes)
        if processes == 1:
            asyncio.run(work(iter(enumerate(jobs)), cache, partial, options, tls, tally.take))
        else:
            share = replace(options, connections=max(1, options.connections // processes))
            draw = _drawing(jobs)

            def do(report: Callable[[Report], None]) -> Awaitable[None]:
                return work(draw(), cache, partial, share, tls, report)

            workers: Workers[Report] = Workers()
            with workers:
                for _ in range(processes):
                    workers.start(do)
                for report in workers.reports():
                    tally.take(report)
                    if tally.left == 0:
                        break  # how the processes end is their own business
    return tally.outcomes()


def fetch_first(
    alternatives: Sequence[Sequence[Job]],
    cache: Cache,
    options: FetchOptions,
    advance: Advance = lambda _items, _size: None,
) -> list[tuple[Job, Fetched | Failure]]:
    """Fetch each tarball from the first of its addresses that gives it.

    Args:
        alternatives: For each tarball its jobs, at least one.
        cache: See `fetch_all`, as for the rest.
        options: How to fetch.
        advance: See `fetch_all`.

    Returns:
        For each tarball the job that gave it and what came of it; or the last job, and why it
        failed.
    """
    left = {number: list(jobs) for number, jobs in enumerate(alternatives)}
    found: dict[int, tuple[Job, Fetched | Failure]] = {}
    while left:
        jobs = {number: queue.pop(0) for number, queue in left.items()}
        for number, outcome in zip(
            jobs, fetch_all(list(jobs.values()), cache, options, advance), strict=True
        ):
            found[number] = (jobs[number], outcome)
            if isinstance(outcome, Fetched) or not left[number]:
                del left[number]
    return [found[number] for number in range(len(alternatives))]


def _drawing(jobs: Sequence[Job]) -> Callable[[], Iterator[tuple[int, Job]]]:
    """One counter from which all processes draw, so that none of them waits for another."""
    counter = multiprocessing.get_context("fork").Value("q", 0)

    def draw() -> Iterator[tuple[int, Job]]:
        while True:
            with counter.get_lock():
                number = counter.value
                counter.value += 1
            if number >= len(jobs):
                return
            yield number, jobs[number]

    return draw


def _is_https(job: Job) -> bool:
    return job.url.startswith("https:")


class _Tally:
    """Gathers reports into outcomes, and tells the progress."""

    def __init__(self, jobs: int, advance: Advance) -> None:
        self._outcomes: list[Fetched | Failure | None] = [None] * jobs
        self._bytes = [0] * jobs
        self.left = jobs
        self._advance = advance

    def take(self, report: Report) -> None:
        number, news = report
        if isinstance(news, int):
            self._bytes[number] += news
            self._advance(0, news)
            return
        self._outcomes[number] = news
        self.left -= 1
        size = getattr(news, "size", self._bytes[number])
        self._advance(1, max(0, size - self._bytes[number]))

    def outcomes(self) -> list[Fetched | Failure]:
        known = [outcome for outcome in self._outcomes if outcome is not None]
        if len(known) != len(self._outcomes):
            raise FetchError(
                "a download process ended before its work was done",
                hint="run it again: what was fetched is in the cache",
            )
        return known
