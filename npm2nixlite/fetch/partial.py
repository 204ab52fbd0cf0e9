"""Take a body to disk while it is hashed, off the event loop and with little memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING, Self

from npm2nixlite.integrity import Integrity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from concurrent.futures import Executor
    from pathlib import Path
    from types import TracebackType

__all__ = ["PartialFile"]

_BATCH = 256 * 1024  # bytes handed over at once: small enough for flat memory, most tarballs whole


class PartialFile:
    """A file being downloaded; gone when its context ends, unless it was moved away by then.

    Args:
        path: Where it is written; must not exist.
        algorithms: Which hashes to compute, of `npm2nixlite.integrity.ALGORITHMS`.
        executor: Threads that write and hash; both release the interpreter's lock.
    """

    def __init__(self, path: Path, algorithms: Collection[str], executor: Executor) -> None:
        self.path = path
        self.size = 0
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._executor = executor
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._pending: asyncio.Future[None] | None = None

    async def write_all(self, chunks: AsyncIterator[bytes]) -> None:
        """Write and hash a body as it comes.

        Raises:
            OSError: It cannot be written; and whatever ``chunks`` raises.
        """
        batch: list[bytes] = []
        size = 0
        async for chunk in chunks:
            batch.append(chunk)
            size += len(chunk)
            if size >= _BATCH:
                await self._hand_over(batch)
                batch, size = [], 0
        await self._hand_over(batch)
        await self._settle()

    def integrities(self) -> dict[str, Integrity]:
        """Algorithm → hash of what was written."""
        return {name: Integrity.of(name, value.digest()) for name, value in self._hashes.items()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._pending is not None:
                # A thread may still write to the descriptor; it must not be closed under it.
                await asyncio.wait([self._pending])
        finally:
            os.close(self._descriptor)
            self.path.unlink(missing_ok=True)

    async def _hand_over(self, batch: list[bytes]) -> None:
        await self._settle()
        if batch:
            self.size += sum(map(len, batch))
            loop = asyncio.get_running_loop()
            self._pending = loop.run_in_executor(self._executor, self._write, batch)

    async def _settle(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            await pending

    def _write(self, batch: list[bytes]) -> None:
        data = batch[0] if len(batch) == 1 else b"".join(batch)
        for value in self._hashes.values():
            value.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
