"""Take a body to disk while it is hashed; a large one off the event loop, with little memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from npm2nixlite.fetch.refusal import too_large
from npm2nixlite.integrity import Integrity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Executor

__all__ = ["BATCH", "Download", "PartialFile"]

T = TypeVar("T")
V = TypeVar("V")

BATCH = 256 * 1024
"""Bytes handed over to a thread at once: few enough for flat memory."""

# Bytes of a body that are hashed and written where they are, a piece at a time: to hand them over
# to a thread costs nearly as much again. What follows them is handed over.
_SMALL = 4 * 1024 * 1024
_CRUMB = 64 * 1024  # bytes below which a piece waits for the next one
_TOLD = 1024 * 1024  # bytes between two calls of a progress


class PartialFile:
    """A file that is written and hashed piece by piece, by one thread at a time.

    Args:
        path: Where it is written; must not exist.
        algorithms: Which hashes to compute, of `npm2nixlite.integrity.ALGORITHMS`.
    """

    def __init__(self, path: str, algorithms: Collection[str]) -> None:
        self.path = path
        self.size = 0
        self._moved = False
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def write(self, data: bytes | memoryview) -> None:
        """Append; hashing and writing both release the interpreter's lock."""
        for value in self._hashes.values():
            value.update(data)
        size = len(data)
        self.size += size
        written = os.write(self._descriptor, data)
        while written < size:
            written += os.write(self._descriptor, memoryview(data)[written:])

    def integrities(self) -> dict[str, Integrity]:
        """Algorithm → hash of what was written."""
        return {name: Integrity.of(name, value.digest()) for name, value in self._hashes.items()}

    def move(self, take: Callable[[str], None]) -> None:
        """Have it moved away by ``take``."""
        take(self.path)
        self._moved = True

    def close(self) -> None:
        """Close it, and remove it unless it was moved away."""
        os.close(self._descriptor)
        if not self._moved:
            with suppress(FileNotFoundError):
                os.unlink(self.path)  # noqa: PTH108 (a string, as all here: this is hot)


class Download(Generic[T]):
    """A body on its way into a file: a `npm2nixlite.fetch.answer.Sink`.

    `take` and `finish` raise OSError where it cannot be written.

    Args:
        path: Where it is written; nothing is left there.
        algorithms: Which hashes to compute.
        executor: Threads for what takes longer than handing it over.
        batches: Memory that is in nobody's use, of ``BATCH`` bytes each; taken from, and given back
            to: fresh memory costs more than to fill it.
        verify: Called with the whole file, in a thread or not: moves it where it belongs.
        progress: Called with how many more bytes have come, from time to time.
        largest: Bytes that it may have; `take` raises `Refused` beyond them.
    """

    def __init__(
        self,
        path: str,
        algorithms: Collection[str],
        executor: Executor,
        batches: list[bytearray],
        verify: Callable[[PartialFile], T],
        progress: Callable[[int], None],
        largest: int,
    ) -> None:
        self._largest = largest
        self._path = path
        self._algorithms = algorithms
        self._executor = executor
        self._batches = batches
        self._verify = verify
        self._progress = progress
        self._file: PartialFile | None = None
        self._taken = 0
        self._told = 0
        self._crumbs = bytearray()
        self._full: list[bytearray] = []
        self._filling: bytearray | None = None
        self._filled = 0
        self._pending: asyncio.Future[Any] | None = None

    def take(self, piece: bytes | memoryview) -> asyncio.Future[None] | None:
        """Append a piece; where it returns a future, wait for it before the next one."""
        self._taken += len(piece)
        if self._taken > self._largest:
            raise too_large(self._largest, "tarball")
        if self._taken - self._told >= _TOLD:
            self._progress(self._taken - self._told)
            self._told = self._taken
        if self._taken <= _SMALL:
            self._write_here(piece)
            return None
        self._sweep()
        self._fill(memoryview(piece))
        if not self._full:
            return None
        if self._pending is not None and not self._pending.done():
            # Some are being written, and some wait: no more until the first are through.
            return self._pending
        full, self._full = self._full, []
        self._hand_over(lambda _: None, [(batch, BATCH) for batch in full])
        return None

    async def finish(self) -> T:
        """Have the whole file verified."""
        self._sweep()
        if self._pending is None:
            return self._append(self._verify, self._rest())
        # Shielded: where this task is cancelled, the thread goes on, and `close` waits for it.
        await asyncio.shield(self._pending)
        return await asyncio.shield(self._hand_over(self._verify, self._rest()))

    async def close(self) -> None:
        """Close the file, and remove it unless it was moved away."""
        if self._pending is not None:
            # A thread may still write to the file; it must not be closed under it.
            await asyncio.gather(self._pending, return_exceptions=True)
        self._batches += [*self._full, *filter(None, [self._filling])]
        self._full, self._filling = [], None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_here(self, piece: bytes | memoryview) -> None:
        """Write a piece, together with those before it where they came in crumbs."""
        if not self._crumbs and len(piece) >= _CRUMB:
            self._opened().write(piece)
            return
        self._crumbs += piece
        if len(self._crumbs) >= _CRUMB:
            self._sweep()

    def _sweep(self) -> None:
        if self._crumbs:
            self._opened().write(memoryview(self._crumbs))
            self._crumbs = bytearray()

    def _fill(self, piece: memoryview) -> None:
        while piece:
            if self._filling is None:
                self._filling = self._batches.pop() if self._batches else bytearray(BATCH)
                self._filled = 0
            size = min(len(piece), BATCH - self._filled)
            self._filling[self._filled : self._filled + size] = piece[:size]
            self._filled += size
            piece = piece[size:]
            if self._filled == BATCH:
                self._full.append(self._filling)
                self._filling = None

    def _hand_over(
        self, then: Callable[[PartialFile], V], parts: list[tuple[bytearray, int]]
    ) -> asyncio.Future[V]:
        if self._pending is not None:
            self._pending.result()  # raises what went wrong
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, self._append, then, parts)
        self._pending = future
        return future

    def _append(self, then: Callable[[PartialFile], V], parts: list[tuple[bytearray, int]]) -> V:
        file = self._opened()
        for batch, size in parts:
            file.write(memoryview(batch)[:size])
            self._batches.append(batch)
        return then(file)

    def _rest(self) -> list[tuple[bytearray, int]]:
        rest = [(batch, BATCH) for batch in self._full]
        if self._filling is not None:
            rest.append((self._filling, self._filled))
        self._full, self._filling = [], None
        return rest

    def _opened(self) -> PartialFile:
        if self._file is None:
            self._file = PartialFile(self._path, self._algorithms)
        return self._file
