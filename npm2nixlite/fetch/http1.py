"""GET over kept connections, from near servers that have shown that they answer plainly.

A general HTTP client spends a third of a millisecond on each request: for a thousand small
tarballs from a server nearby, more than hashing and writing them takes. Registries answer for a
tarball in one way: HTTP/1.1, 200, a Content-Length, the bytes. This understands that much and no
more; whoever answers otherwise is left to the general client (`npm2nixlite.fetch.client`).
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from npm2nixlite.fetch.answer import Head

if TYPE_CHECKING:
    from npm2nixlite.fetch.answer import Take

__all__ = [
    "LOWEST_RATE",
    "CutShort",
    "NoConnection",
    "NoTls",
    "NotPlain",
    "Origin",
    "PlainHttp",
    "TooSlow",
    "request",
]

LOWEST_RATE = 10
"""Bytes a second that a body has to come with, over as long as silence is waited for (as cargo has
it): else a server that sends a byte now and then would never end."""

_BUFFER = 256 * 1024  # bytes; a socket's worth at a time, and one for all: it is emptied at once
_LONGEST_LENGTH = 18  # digits
_LONGEST_HEAD = 32 * 1024  # bytes
_EYEBALLS = 0.25  # seconds an address gets before the next one is tried, too (RFC 8305)

_END = b"\r\n\r\n"
_STATUS = re.compile(r"HTTP/1\.1 ([1-5][0-9]{2})(?: (.*))?")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_SENDABLE = re.compile(r"[\x20-\x7e]*")


class NotPlain(Exception):  # noqa: N818 (an answer, not a fault of ours)
    """The answer is of another kind; nothing of it was passed on."""


class NoConnection(Exception):  # noqa: N818
    """The server cannot be reached any more."""


class NoTls(Exception):  # noqa: N818
    """The server is not who it should be, or speaks no TLS that this client does."""


class CutShort(Exception):  # noqa: N818
    """The connection ended before the answer did."""


class TooSlow(Exception):  # noqa: N818
    """The answer comes, and so slowly that it would take for ever."""


class _Stale(Exception):  # noqa: N818
    """A kept connection was closed by the server before it heard of the request."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who is asked.

    Attributes:
        host: A name or an address.
        port: Of TCP.
        ssl: For https; None for http.
    """

    host: str
    port: int
    ssl: ssl.SSLContext | None


def request(host: str, target: str, headers: dict[str, str], method: str = "GET") -> bytes:
    """A request, as it is sent (RFC 9112).

    Args:
        host: With the port, where it is not the scheme's own.
        target: Path and query.
        headers: Further ones.
        method: GET or HEAD.

    Raises:
        NotPlain: Something in it is not to be sent as it is.
    """
    lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if " " in target or not all(map(_SENDABLE.fullmatch, (target, *lines))):
        raise NotPlain
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "\r\n"]).encode()


class PlainHttp:
    """Connections, kept from one request to the next.

    It sets no bound to them; its users are as many as there may be.

    Args:
        timeout: Seconds without a byte, or for a connection to come about, that count as failure.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._buffer = bytearray(_BUFFER)
        self._idle: dict[Origin, list[_Connection]] = defaultdict(list)
        self._addresses: dict[Origin, str] = {}
        self._first: dict[Origin, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, origin: Origin, message: bytes, take: Take, *, whole: bool = False) -> Head:
        """Ask once.

        Args:
            origin: Whom.
            message: See `request`.
            take: Given the body, where the status is 200; each piece is valid during the call only.
            whole: Whether to read the bodies of other statuses, too, and pass them over: where many
                are expected, the connection is kept so.

        Raises:
            NotPlain: To be asked otherwise.
            CutShort: The answer has no end.
            TimeoutError: The server fell silent.
            NoConnection: The server cannot be reached.
            NoTls: The server is not who it should be.
            OSError: What ``take`` raises.
        """
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            try:
                return await self._ask(connection, idle, message, take, whole)
            except _Stale:
                continue
        return await self._ask(await self._connect(origin), idle, message, take, whole)

    def close(self) -> None:
        """Close those that nobody uses."""
        for idle in self._idle.values():
            while idle:
                idle.pop().abort()

    async def _ask(
        self,
        connection: _Connection,
        idle: list[_Connection],
        message: bytes,
        take: Take,
        whole: bool,
    ) -> Head:
        try:
            head = await connection.get(message, take, whole)
        except BaseException:
            connection.abort()
            raise
        if connection.reusable:
            idle.append(connection)
        else:
            connection.abort()
        return head

    async def _connect(self, origin: Origin) -> _Connection:
        """A new connection: the first one finds out which of the host's addresses works."""
        if origin not in self._addresses:
            async with self._first[origin]:
                if origin not in self._addresses:
                    connection = await self._open(origin, origin.host)
                    self._addresses[origin] = connection.peer
                    return connection
        return await self._open(origin, self._addresses[origin])

    async def _open(self, origin: Origin, address: str) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop, self._buffer, self._timeout),
                    address,
                    origin.port,
                    ssl=origin.ssl,
                    server_hostname=origin.host if origin.ssl else None,
                    happy_eyeballs_delay=None if origin in self._addresses else _EYEBALLS,
                )
        except TimeoutError:
            raise
        except ssl.SSLError as error:
            raise NoTls(
                getattr(error, "verify_message", "") or error.reason or str(error)
            ) from error
        except OSError as error:
            raise NoConnection(_reason(error)) from error
        return connection


class _Connection(asyncio.BufferedProtocol):
    """One connection; one request at a time."""

    _transport: asyncio.Transport
    _take: Take

    def __init__(self, loop: asyncio.AbstractEventLoop, buffer: bytearray, timeout: float) -> None:
        self._loop = loop
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._timeout = timeout
        self._heard = 0.0
        self._since = 0.0  # when the head, or the present stretch of the body, began
        self._received = 0  # bytes of that stretch
        self._watch: asyncio.TimerHandle | None = None
        self._answer: asyncio.Future[Head] | None = None
        self._fresh = True
        self._lost = False
        self._begun = b""
        self._head: Head | None = None
        self._left = 0
        self._whole = False
        self._bodiless = False
        self.reusable = False
        self.peer = ""

    async def get(self, message: bytes, take: Take, whole: bool) -> Head:
        if self._lost:
            raise _Stale
        self._answer = self._loop.create_future()
        self._take = take
        self._whole = whole
        self._bodiless = message.startswith(b"HEAD ")
        self._begun = b""
        self._head = None
        self.reusable = False
        self._heard = self._since = self._loop.time()
        self._received = 0
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout, self._check)
        self._transport.write(message)
        return await self._answer

    def abort(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.peer = str(transport.get_extra_info("peername")[0])

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, count: int) -> None:
        self._heard = self._loop.time()
        self._received += count
        if self._answer is None or self._answer.done():
            self.reusable = False  # it speaks unasked
            self._transport.abort()
            return
        try:
            if self._head is None:
                self._read_head(count)
            else:
                self._read_body(self._view[:count])
        except Exception as error:  # noqa: BLE001 (whoever asked is told, whatever it is)
            self._fail(error)

    def eof_received(self) -> None:
        """Have the transport closed."""

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self.reusable = False
        if self._watch is not None:
            self._watch.cancel()
        unheard = not self._fresh and self._head is None and not self._begun
        self._fail(_Stale() if unheard else CutShort(str(error or "")))

    def _read_head(self, count: int) -> None:
        received = self._view[:count]
        end = self._buffer.find(_END, 0, count)
        if self._begun or end < 0:
            self._begun += received
            end = self._begun.find(_END)
            received = memoryview(self._begun)
        if end < 0:
            if len(self._begun) > _LONGEST_HEAD:
                raise NotPlain
            return
        head = _parse(bytes(received[:end]))
        if head.status == 200 or (self._whole and head.plain):
            self._left = 0 if self._bodiless else _length(head)
            self._head = head
            if head.status != 200:
                self._take = _pass_over
            self._read_body(received[end + len(_END) :])
        else:
            # What it says beside that is of no interest, and its end may not be known.
            self._head = head
            self._succeed(head)

    def _read_body(self, piece: memoryview) -> None:
        surplus = len(piece) > self._left
        if surplus:
            piece = piece[: self._left]
        self._left -= len(piece)
        if piece:
            busy = self._take(piece)
            if busy is not None:
                self._transport.pause_reading()
                busy.add_done_callback(self._resume)
        if self._left == 0 and self._head is not None:
            self._fresh = False
            self.reusable = not surplus and self._head.keeps_alive
            self._succeed(self._head)

    def _resume(self, _: object) -> None:
        self._heard = self._since = self._loop.time()
        self._received = 0
        if not self._lost:
            self._transport.resume_reading()

    def _check(self) -> None:
        """Whether the server has been silent for too long; comes again in time."""
        self._watch = None
        if self._answer is not None and not self._answer.done():
            now = self._loop.time()
            left = self._heard + self._timeout - now
            if not self._transport.is_reading():
                self._since, self._received = now, 0  # the disk is slow, not the server
            elif left <= 0:
                self._fail(TimeoutError())
                return
            elif now - self._since >= self._timeout:
                if self._head is None or self._received < LOWEST_RATE * self._timeout:
                    self._fail(TooSlow())
                    return
                self._since, self._received = now, 0
            if self._answer.done():
                return
            self._watch = self._loop.call_later(max(min(left, self._timeout / 4), 0.1), self._check)

    def _succeed(self, head: Head) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(head)

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _reason(error: OSError) -> str:
    if error.errno and error.errno > 0:  # negative where a name does not resolve
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _pass_over(_piece: bytes | memoryview) -> None:
    """Take what nobody wants to know."""


def _parse(text: bytes) -> Head:
    status, *fields = text.decode("latin-1").split("\r\n")
    match = _STATUS.fullmatch(status)
    if match is None or match[1].startswith("1"):
        raise NotPlain
    headers: dict[str, str] = {}
    for field in fields:
        named = _FIELD.fullmatch(field)
        if named is None:
            raise NotPlain
        name = named[1].lower()
        if name in headers and name in {"content-length", "transfer-encoding"}:
            raise NotPlain
        headers[name] = named[2]
    return Head(int(match[1]), match[2] or "", headers)


def _length(head: Head) -> int:
    if not head.plain or len(head.headers["content-length"]) > _LONGEST_LENGTH:
        raise NotPlain
    return int(head.headers["content-length"])
