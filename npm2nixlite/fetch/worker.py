"""One event loop's share of the jobs: each one fetched, verified, and put into the cache."""

from __future__ import annotations

import asyncio
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from npm2nixlite.cache import unwritable
from npm2nixlite.errors import FetchError, Npm2nixliteError, internal_error
from npm2nixlite.fetch.client import Client, open_session
from npm2nixlite.fetch.job import Failure, Fetched, Job
from npm2nixlite.fetch.metadata import Distribution, ask_registry
from npm2nixlite.fetch.partial import Download
from npm2nixlite.fetch.refusal import Refused
from npm2nixlite.integrity import check_integrity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.fetch.partial import PartialFile
    from npm2nixlite.fetch.tls import Tls
    from npm2nixlite.integrity import Integrity

__all__ = ["Report", "work"]

Report = tuple[int, Fetched | Failure | int]
"""A job's number, and what came of it: or, in between, how many more bytes of it have come."""

_OTHER_TARBALL = "the registry's tarball is not the one the lock was made with"


async def work(
    jobs: Iterator[tuple[int, Job]],
    cache: Cache,
    partial: Path,
    options: FetchOptions,
    tls: Tls,
    report: Callable[[Report], None],
) -> None:
    """Do jobs until there are none, ``options.connections`` of them at a time.

    Args:
        jobs: Job with its number; several workers may draw from one source.
        cache: Takes what was verified.
        partial: A directory on the cache's file system.
        options: Connections, retries and timeout of this worker.
        tls: How to verify servers.
        report: Called with each outcome, and with bytes on the way.

    Raises:
        FetchError: The cache cannot be written: nothing more can be done.
    """
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as executor:
        async with open_session(options) as session:
            client = Client(session, options, tls)
            worker = _Worker(client, cache, partial, executor, report, options.max_tarball)
            tasks = [asyncio.create_task(worker.run(jobs)) for _ in range(options.connections)]
            try:
                await asyncio.gather(*tasks)
            except OSError as error:
                raise unwritable(cache.directory, error) from error
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                client.close()


class _Worker:
    def __init__(
        self,
        client: Client,
        cache: Cache,
        partial: Path,
        executor: ThreadPoolExecutor,
        report: Callable[[Report], None],
        largest: int,
    ) -> None:
        self._largest = largest
        self._client = client
        self._cache = cache
        self._partial = partial
        self._executor = executor
        self._report = report
        self._batches: list[bytearray] = []
        self._counter = itertools.count()

    async def run(self, jobs: Iterator[tuple[int, Job]]) -> None:
        for number, job in jobs:
            self._report((number, await self._outcome(number, job)))

    async def _outcome(self, number: int, job: Job) -> Fetched | Failure:
        try:
            if job.package is not None and not job.integrities:
                return await self._fetch_unlocked(number, job)
            return await self._fetch_locked(number, job)
        except Refused as refused:
            return Failure(job.url, str(refused), refused.hint)
        except FetchError as error:
            return Failure(job.url, error.what, error.hint)
        except (Npm2nixliteError, OSError):
            raise  # the configuration or the cache cannot be used: nothing more can be done
        except Exception as error:  # noqa: BLE001 (one bad package stops no other)
            unforeseen = internal_error(error)
            return Failure(job.url, unforeseen.what, unforeseen.hint)

    async def _fetch_locked(self, number: int, job: Job) -> Fetched:
        """The lock gives a hash; only a guessed address can need the registry's metadata."""
        try:
            return await self._fetch(number, job, job.url, job.integrities)
        except Refused as refused:
            if refused.status != 404 or not job.guessed:
                raise
            url = (await self._ask(job)).tarball
            if url == job.url:
                raise
        return await self._fetch(number, job, url, job.integrities)

    async def _fetch_unlocked(self, number: int, job: Job) -> Fetched:
        """The lock gives no hash: the registry's metadata decides."""
        known = await self._ask(job)
        url = known.tarball if job.guessed else job.url
        fetched = await self._fetch(number, job, url, known.integrities)
        return replace(fetched, by_registry=bool(known.integrities))

    async def _ask(self, job: Job) -> Distribution:
        name, version = job.package or ("", "")
        return await ask_registry(self._client, job.base or "", name, version, job.config)

    async def _fetch(
        self, number: int, job: Job, url: str, demanded: Collection[Integrity]
    ) -> Fetched:
        algorithms = {"sha512", *(integrity.algorithm for integrity in demanded)}
        path = f"{self._partial}/{os.getpid()}-{next(self._counter)}"

        def verify(file: PartialFile) -> Fetched:
            computed = file.integrities()
            check_integrity(demanded, computed, _OTHER_TARBALL)
            file.move(lambda path: self._cache.add(path, computed["sha512"], demanded))
            return Fetched(computed["sha512"], file.size, url, by_registry=False)

        def progress(size: int) -> None:
            self._report((number, size))

        def open_sink() -> Download[Fetched]:
            return Download(
                path, algorithms, self._executor, self._batches, verify, progress, self._largest
            )

        return await self._client.download(url, job.config, open_sink)
