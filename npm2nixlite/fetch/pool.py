"""Spread jobs over processes: one event loop takes a core to its limit before the network's."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Self

from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.tls import Tls
from npm2nixlite.fetch.worker import Report, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.context import ForkProcess
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.fetch.job import Failure, Fetched, FetchOptions, Job

__all__ = ["fetch_all"]

_MOST_PROCESSES = 4  # more than this gained nothing where it was measured
_FEWEST_JOBS = 32  # for a process of its own; below it, starting one costs more than it gains


def fetch_all(
    jobs: Sequence[Job],
    cache: Cache,
    options: FetchOptions,
    progress: Callable[[int, int], None] = lambda _tarballs, _bytes: None,
) -> list[Fetched | Failure]:
    """Fetch, verify and cache tarballs.

    Args:
        jobs: Each of them once.
        cache: Where they go.
        options: Connections, retries, timeout.
        progress: Called with how many more tarballs, and how many more bytes, are through.

    Returns:
        What came of each job, in their order. One failure stops no other job.

    Raises:
        FetchError: The cache cannot be written.
        KeyboardInterrupt: The run was interrupted; nothing half-written is left.
    """
    if not jobs:
        return []
    tally = _Tally(len(jobs), progress)
    tls = Tls()
    for config, url in {id(j.config): (j.config, j.url) for j in jobs if _is_https(j)}.values():
        tls.context(config.tls(url))  # once, not once a process
    with cache.partial_directory() as partial:
        processes = _process_count(len(jobs), options)
        if processes == 1:
            asyncio.run(work(iter(enumerate(jobs)), cache, partial, options, tls, tally.take))
        else:
            share = replace(options, connections=max(1, options.connections // processes))
            with _Workers() as workers:
                for _ in range(processes):
                    workers.start(jobs, cache, partial, share, tls)
                for report in workers.reports():
                    tally.take(report)
    return tally.outcomes()


def _is_https(job: Job) -> bool:
    return job.url.startswith("https:")


def _process_count(jobs: int, options: FetchOptions) -> int:
    if sys.platform != "linux":
        return 1  # forking with a loaded TLS library is not safe everywhere
    most = options.processes or min(_MOST_PROCESSES, len(os.sched_getaffinity(0)))
    return max(1, min(most, options.connections, jobs // _FEWEST_JOBS))


class _Tally:
    """Gathers reports into outcomes, and tells the progress."""

    def __init__(self, jobs: int, progress: Callable[[int, int], None]) -> None:
        self._outcomes: list[Fetched | Failure | None] = [None] * jobs
        self._bytes = [0] * jobs
        self._progress = progress

    def take(self, report: Report) -> None:
        number, news = report
        if isinstance(news, int):
            self._bytes[number] += news
            self._progress(0, news)
            return
        self._outcomes[number] = news
        size = getattr(news, "size", self._bytes[number])
        self._progress(1, max(0, size - self._bytes[number]))

    def outcomes(self) -> list[Fetched | Failure]:
        known = [outcome for outcome in self._outcomes if outcome is not None]
        if len(known) != len(self._outcomes):
            raise FetchError(
                "a download process ended before its work was done",
                hint="run it again: what was fetched is in the cache",
            )
        return known


class _Workers:
    """Processes that draw jobs from one counter and report through pipes.

    They end when the jobs do, when the context does, and when this process does, however it ends.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("fork")
        self._next = self._context.Value("q", 0)
        self._processes: list[ForkProcess] = []
        self._pipes: list[Connection[None, Report | BaseException]] = []
        self._lifeline, self._life = os.pipe()  # reads as closed once this process is gone

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        for pipe in self._pipes:
            pipe.close()
        os.close(self._lifeline)
        os.close(self._life)

    def start(
        self,
        jobs: Sequence[Job],
        cache: Cache,
        partial: Path,
        options: FetchOptions,
        tls: Tls,
    ) -> None:
        receiving, sending = self._context.Pipe(duplex=False)

        def run() -> None:
            os.close(self._life)
            receiving.close()
            # An interrupt reaches the whole group; this process's parent decides what it means.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                asyncio.run(self._work(jobs, cache, partial, options, tls, sending))
            except FetchError as error:
                sending.send(error)

        process = self._context.Process(target=run, daemon=True)
        process.start()
        sending.close()
        self._processes.append(process)
        self._pipes.append(receiving)

    def reports(self) -> Iterator[Report]:
        pipes = list(self._pipes)
        while pipes:
            for pipe in wait(pipes):
                assert isinstance(pipe, Connection)  # noqa: S101 (for the type checker)
                try:
                    message = pipe.recv()
                except EOFError:
                    pipes.remove(pipe)
                    continue
                if isinstance(message, BaseException):
                    raise message
                yield message

    async def _work(
        self,
        jobs: Sequence[Job],
        cache: Cache,
        partial: Path,
        options: FetchOptions,
        tls: Tls,
        sending: Connection[Report | BaseException, None],
    ) -> None:
        asyncio.get_running_loop().add_reader(self._lifeline, os._exit, 1)
        with contextlib.closing(sending):
            await work(self._draw(jobs), cache, partial, options, tls, sending.send)

    def _draw(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Job]]:
        while True:
            with self._next.get_lock():
                number = self._next.value
                self._next.value += 1
            if number >= len(jobs):
                return
            yield number, jobs[number]
