"""Work spread over processes: one event loop takes a core to its limit before the network's."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import selectors
import signal
import sys
import time
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from npm2nixlite.errors import Npm2nixliteError, internal_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

__all__ = ["Workers", "process_count"]

_MOST_PROCESSES = 4  # more than this gained nothing where it was measured
_FEWEST_JOBS = 32  # for a process of its own; below it, starting one costs more than it gains

_TOGETHER = 0.05  # seconds; what is reported within them goes through the pipe at once

_GRACE = 3.0  # seconds for a process to remove what it has made
_SIGNALS = frozenset([signal.SIGINT, signal.SIGHUP, signal.SIGTERM])

Report = TypeVar("Report")


def process_count(jobs: int, connections: int, most: int = 0) -> int:
    """How many processes some network jobs are worth.

    Args:
        jobs: Their number.
        connections: How many run at once, over all processes.
        most: The most there may be; 0 for as many as this machine gains from.
    """
    if sys.platform != "linux":
        return 1  # forking with a loaded TLS library is not safe everywhere
    most = most or min(_MOST_PROCESSES, len(os.sched_getaffinity(0)))
    return max(1, min(most, connections, jobs // _FEWEST_JOBS))


class Workers(Generic[Report]):
    """Processes, each with an event loop, that report through pipes.

    They end when their work does, when the context does, and when this process does, however it
    ends. No event loop and no thread may run here when they are started.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("fork")
        self._processes: list[ForkProcess] = []
        self._pipes: list[Connection[None, list[Report] | Npm2nixliteError]] = []
        self._lifeline, self._life = os.pipe()  # reads as closed once this process is gone

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for pipe in self._pipes:
            pipe.close()
        if kind is not None:
            # What they were at is not done: they remove what they have made.
            for process in self._processes:
                process.terminate()
            deadline = time.monotonic() + _GRACE
            for process in self._processes:
                process.join(max(0.0, deadline - time.monotonic()))
        for process in self._processes:
            process.kill()
            process.join()
        os.close(self._lifeline)
        os.close(self._life)

    def start(self, work: Callable[[Callable[[Report], None]], Awaitable[None]]) -> None:
        """Start a process.

        Args:
            work: Done there; given what to call with each report.
        """
        receiving, sending = self._context.Pipe(duplex=False)

        def run() -> None:
            # An interrupt reaches the whole group; this process's parent decides what it means.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(self._life)
            receiving.close()
            with contextlib.closing(sending), contextlib.suppress(BrokenPipeError):
                try:
                    asyncio.run(self._alive(work, sending.send))
                except Npm2nixliteError as error:
                    sending.send(error)
                except (BrokenPipeError, asyncio.CancelledError):
                    pass  # nobody is left to hear of anything
                except Exception as error:  # noqa: BLE001 (told by the parent, with no traceback)
                    sending.send(internal_error(error))

        process = self._context.Process(target=run, daemon=True)
        # Until the child has its own ideas of signals, it would take an interrupt for its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        sending.close()
        self._processes.append(process)
        self._pipes.append(receiving)

    def reports(self) -> Iterator[Report]:
        """What the processes report, as it comes, until all of them have ended.

        Raises:
            Npm2nixliteError: What ended one of them.
        """
        with selectors.DefaultSelector() as selector:
            for pipe in self._pipes:
                selector.register(pipe, selectors.EVENT_READ, pipe)
            while selector.get_map():
                for key, _ in selector.select():
                    try:
                        message = key.data.recv()
                    except EOFError:
                        selector.unregister(key.fileobj)
                        continue
                    if isinstance(message, Npm2nixliteError):
                        raise message
                    yield from message

    async def _alive(
        self,
        work: Callable[[Callable[[Report], None]], Awaitable[None]],
        send: Callable[[list[Report]], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker: this is a coroutine)

        def end() -> None:
            """End as after an interrupt, and somehow in any case."""
            loop.remove_reader(self._lifeline)
            loop.call_later(_GRACE, os._exit, 1)
            task.cancel()

        loop.add_reader(self._lifeline, end)
        loop.add_signal_handler(signal.SIGTERM, end)
        # What is left of a failed job (a closed connection, say) is told nobody.
        loop.set_exception_handler(lambda _loop, _context: None)
        waiting: list[Report] = []

        def flush() -> None:
            send(waiting)
            waiting.clear()

        def report(news: Report) -> None:
            if not waiting:
                loop.call_later(_TOGETHER, flush)
            waiting.append(news)

        try:
            await work(report)
        finally:
            if waiting:
                flush()
