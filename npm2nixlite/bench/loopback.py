"""A server on loopback, in a process of its own, for what was fetched once already."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from npm2nixlite.errors import FetchError
from npm2nixlite.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["serve"]

_BACKLOG = 1024  # connections that may wait: all of a run's come at once


@contextmanager
def serve(files: Sequence[Path]) -> Iterator[str]:
    """Serve files by their numbers.

    Args:
        files: The first one is at ``0`` below the address, the next at ``1``, and so on.

    Yields:
        The address, with a slash at its end.

    Raises:
        FetchError: The server did not start.
    """

    async def work(report: Callable[[int], None]) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Connection(files), "127.0.0.1", 0, backlog=_BACKLOG
        )
        report(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    workers: Workers[int] = Workers()
    with workers:
        workers.start(work)
        port = next(workers.reports(), None)
        if port is None:
            raise FetchError("the loopback server did not start", hint="--runs 0 goes without it")
        yield f"http://127.0.0.1:{port}/"


class _Connection(asyncio.Protocol):
    """As much HTTP/1.1 as two clients need that are known: GET, again and again."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            request, _, self._received = self._received.partition(b"\r\n\r\n")
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        number = int(request.split(b" ", 2)[1].removeprefix(b"/"))
        body = self._files[number].read_bytes()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)
