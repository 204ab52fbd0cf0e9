"""Take a body to disk while it is hashed, off the event loop and with little memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING, Any, TypeVar

from npm2nixlite.integrity import Integrity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from concurrent.futures import Executor
    from pathlib import Path

__all__ = ["PartialFile", "receive"]

T = TypeVar("T")

_BATCH = 256 * 1024  # bytes handed over at once: small enough for flat memory, most tarballs whole


class PartialFile:
    """A file that is written and hashed piece by piece, by one thread at a time.

    Args:
        path: Where it is written; must not exist.
        algorithms: Which hashes to compute, of `npm2nixlite.integrity.ALGORITHMS`.
    """

    def __init__(self, path: Path, algorithms: Collection[str]) -> None:
        self.path = path
        self.size = 0
        self._moved = False
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def write(self, pieces: Collection[bytes]) -> None:
        """Append; hashing and writing both release the interpreter's lock."""
        data = b"".join(pieces)
        self.size += len(data)
        for value in self._hashes.values():
            value.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def integrities(self) -> dict[str, Integrity]:
        """Algorithm → hash of what was written."""
        return {name: Integrity.of(name, value.digest()) for name, value in self._hashes.items()}

    def move(self, take: Callable[[Path], None]) -> None:
        """Have it moved away by ``take``."""
        take(self.path)
        self._moved = True

    def close(self) -> None:
        """Close it, and remove it unless it was moved away."""
        os.close(self._descriptor)
        if not self._moved:
            self.path.unlink(missing_ok=True)


async def receive(
    chunks: AsyncIterator[bytes],
    path: Path,
    algorithms: Collection[str],
    executor: Executor,
    finish: Callable[[PartialFile], T],
) -> T:
    """Write a body to a file as it comes.

    Args:
        chunks: The body.
        path: Where it is written; nothing is left there.
        algorithms: Which hashes to compute.
        executor: Threads for everything that blocks; a small body takes one visit to one.
        finish: Called there with the whole file: verifies it and moves it where it belongs.

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

    def __init__(self, path: Path, algorithms: Collection[str], executor: Executor) -> None:
        self._path = path
        self._algorithms = algorithms
        self._executor = executor
        self._file: PartialFile | None = None
        self._pending: asyncio.Future[Any] | None = None

    async def write(self, pieces: list[bytes]) -> None:
        await self._settle()
        self._start(self._append, pieces)

    async def finish(self, pieces: list[bytes], finish: Callable[[PartialFile], T]) -> T:
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
