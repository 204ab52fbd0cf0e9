"""Take a body to disk while it is hashed, off the event loop and with little memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from npm2nixlite.integrity import Integrity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence
    from concurrent.futures import Executor

__all__ = ["PartialFile", "receive"]

T = TypeVar("T")

# Bytes handed over to a thread at once: small enough for flat memory. A body of fewer is hashed
# and written where it is, in a third of a millisecond; to hand it over costs as much again.
_BATCH = 256 * 1024


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
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def write(self, pieces: Sequence[bytes]) -> None:
        """Append; hashing and writing both release the interpreter's lock."""
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.size += len(data)
        for value in self._hashes.values():
            value.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

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


async def receive(
    chunks: AsyncIterator[bytes],
    path: str,
    algorithms: Collection[str],
    executor: Executor,
    finish: Callable[[PartialFile], T],
) -> T:
    """Write a body to a file as it comes.

    Args:
        chunks: The body.
        path: Where it is written; nothing is left there.
        algorithms: Which hashes to compute.
        executor: Threads for everything that takes longer than handing it over.
        finish: Called with the whole file, in a thread or not: verifies it and moves it where it
            belongs.

    Returns:
        What ``finish`` returns.

    Raises:
        OSError: It cannot be written; and whatever ``chunks`` and ``finish`` raise.
    """
    writer = _Writer(path, algorithms, executor)
    batch: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks:
            batch.append(chunk)
            size += len(chunk)
            if size >= _BATCH:
                await writer.write(batch)
                batch, size = [], 0
        return await writer.finish(batch, finish)
    finally:
        await writer.close()


class _Writer:
    """Has a file written by threads: one piece at a time, while the next one is received."""

    def __init__(self, path: str, algorithms: Collection[str], executor: Executor) -> None:
        self._path = path
        self._algorithms = algorithms
        self._executor = executor
        self._file: PartialFile | None = None
        self._pending: asyncio.Future[Any] | None = None

    async def write(self, pieces: list[bytes]) -> None:
        await self._settle()
        self._start(self._append, pieces)

    async def finish(self, pieces: list[bytes], finish: Callable[[PartialFile], T]) -> T:
        if self._pending is None:
            return finish(self._append(pieces))
        await self._settle()
        return await asyncio.shield(self._start(lambda last: finish(self._append(last)), pieces))

    async def close(self) -> None:
        if self._pending is not None:
            # A thread may still write to the file; it must not be closed under it.
            await asyncio.wait([self._pending])
        if self._file is not None:
            self._file.close()

    def _append(self, pieces: list[bytes]) -> PartialFile:
        if self._file is None:
            self._file = PartialFile(self._path, self._algorithms)
        self._file.write(pieces)
        return self._file

    def _start(self, work: Callable[[list[bytes]], T], pieces: list[bytes]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, work, pieces)
        self._pending = future
        return future

    async def _settle(self) -> None:
        if self._pending is not None:
            # Shielded: where this task is cancelled, the thread goes on, and `close` waits for it.
            await asyncio.shield(self._pending)
