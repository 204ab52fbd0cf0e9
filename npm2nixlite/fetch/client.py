"""Get one address: redirects, credentials, retries, and errors that say what to do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from yarl import URL

from npm2nixlite import __version__
from npm2nixlite.errors import InputError
from npm2nixlite.fetch.answer import Head
from npm2nixlite.fetch.http1 import (
    LOWEST_RATE,
    CutShort,
    NoConnection,
    NoTls,
    NotPlain,
    Origin,
    PlainHttp,
    TooSlow,
    request,
)
from npm2nixlite.fetch.refusal import Refused, explained, refusal, too_large
from npm2nixlite.fetch.routing import Lane, Lanes
from npm2nixlite.lock.address import check_http_address
from npm2nixlite.retry import LONGEST_WAIT, backoff

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from npm2nixlite.config.registry import RegistryConfig
    from npm2nixlite.fetch.answer import Sink, Take
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.fetch.tls import Tls

__all__ = ["Client", "open_session"]

T = TypeVar("T")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_READ_BUFFER = 256 * 1024  # bytes; a socket's worth at a time
_HEADERS = {"User-Agent": f"npm2nixlite/{__version__}", "Accept-Encoding": "identity"}


def open_session(options: FetchOptions) -> aiohttp.ClientSession:
    """A session that leaves bodies as they come: a tarball's own compression is its content.

    It sets no bound to its connections; its users are as many as there may be.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=options.timeout, sock_read=options.timeout
        ),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_READ_BUFFER,
        headers=_HEADERS,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, without what was asked before it.

    Attributes:
        address: Whole.
        headers: Of this request alone.
        proxy: Through which it goes.
        ssl: For https.
    """

    address: URL
    headers: dict[str, str]
    proxy: str | None
    ssl: ssl.SSLContext | None


class Client:
    """Gets addresses.

    Args:
        session: See `open_session`.
        options: Retries and timeouts.
        tls: How to verify servers.
    """

    def __init__(self, session: aiohttp.ClientSession, options: FetchOptions, tls: Tls) -> None:
        self._session = session
        self._options = options
        self._tls = tls
        self._plain = PlainHttp(options.timeout)
        self._lanes = Lanes()
        self._answered: set[str] = set()
        # Hosts that never answered, though all retries were spent on them, and how they failed; no
        # more time is spent on these.
        self._silent: dict[str, Refused] = {}

    def close(self) -> None:
        """Close its own connections; the session's are the session's."""
        self._plain.close()

    async def read(self, url: str, config: RegistryConfig, accept: str) -> bytes:
        """An address's whole body; arguments and errors as for `download`.

        Args:
            url: http or https.
            config: Gives the credentials.
            accept: Media types.
        """
        return await self._get(
            url, config, lambda: _Text(self._options.max_metadata), accept, plain=False
        )

    async def download(
        self, url: str, config: RegistryConfig, open_sink: Callable[[], Sink[T]]
    ) -> T:
        """Get an address into a sink; both are tried again where that may help.

        Args:
            url: http or https.
            config: Gives the credentials for this address, and for those it redirects to.
            open_sink: Called for each attempt.

        Returns:
            What the sink makes of the body.

        Raises:
            Refused: The last attempt's failure.
        """
        return await self._get(url, config, open_sink, "*/*", plain=True)

    async def _get(
        self,
        url: str,
        config: RegistryConfig,
        open_sink: Callable[[], Sink[T]],
        accept: str,
        *,
        plain: bool,
    ) -> T:
        address = _address(url)
        host = address.authority
        attempt = 0
        while True:
            if host in self._silent:
                raise self._silent[host]
            try:
                return await self._attempt(address, config, open_sink, accept, plain=plain)
            except Refused as refused:
                failure = refused
            except (
                aiohttp.ClientError,
                TimeoutError,
                CutShort,
                NoConnection,
                NoTls,
                TooSlow,
            ) as error:
                failure = explained(error, self._options.timeout)
            wait = backoff(attempt) if failure.wait is None else failure.wait
            if not failure.transient or attempt >= self._options.retries or wait > LONGEST_WAIT:
                if failure.transient and failure.status is None and host not in self._answered:
                    self._silent[host] = failure
                raise failure
            await asyncio.sleep(wait)
            attempt += 1

    async def _attempt(
        self,
        address: URL,
        config: RegistryConfig,
        open_sink: Callable[[], Sink[T]],
        accept: str,
        *,
        plain: bool,
    ) -> T:
        for _ in range(_MOST_REDIRECTS):
            asked = self._asked(address, config, accept)
            sink = open_sink()
            try:
                head = await self._ask(asked, sink.take, plain=plain)
                if head.status == 200:
                    return await sink.finish()
            finally:
                await sink.close()
            if head.status not in _REDIRECTS:
                raise refusal(head, address, credentials="Authorization" in asked.headers)
            address = _redirected(address, head)
        raise Refused(f"more than {_MOST_REDIRECTS} redirects")

    def _asked(self, address: URL, config: RegistryConfig, accept: str) -> _Asked:
        url = str(address)
        headers = {"Accept": accept}
        # Asked anew at each hop: what was given for one host goes to no other.
        authorization = config.authorization(url)
        if authorization is not None:
            headers["Authorization"] = authorization
        secure = address.scheme == "https"
        tls = self._tls.context(config.tls(url)) if secure else None
        return _Asked(address, headers, config.proxy(url), tls)

    async def _ask(self, asked: _Asked, take: Take, *, plain: bool) -> Head:
        """One request: by the plain lane where the server is known to be near and plain."""
        address = asked.address
        if not plain or asked.proxy is not None or address.host is None or address.port is None:
            return await self._ask_generally(asked, take)
        origin = Origin(address.host, address.port, asked.ssl)
        lane = await self._lanes.enter(origin)
        if lane is Lane.PLAIN:
            try:
                target = address.raw_path_qs
                message = request(address.raw_authority, target, _HEADERS | asked.headers)
                return await self._plain.get(origin, message, take)
            except NotPlain:
                self._lanes.close(origin)
        if lane is Lane.SCOUT:
            asked.headers["Connection"] = "close"  # this one's work will be done by others
        with self._lanes.watching(origin):
            return await self._ask_generally(asked, take, origin)

    async def _ask_generally(self, asked: _Asked, take: Take, origin: Origin | None = None) -> Head:
        async with self._answer(asked) as response:
            self._answered.add(asked.address.authority)
            headers = {name.lower(): value for name, value in response.headers.items()}
            head = Head(response.status, response.reason or "", headers)
            if origin is not None:
                self._lanes.learn(origin, head)
            if head.status == 200:
                await self._take_body(response, take)
            return head

    @asynccontextmanager
    async def _answer(self, asked: _Asked) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer's head; it comes in time, whatever comes before it."""
        request = self._session.get(
            asked.address,
            headers=asked.headers,
            allow_redirects=False,
            ssl=asked.ssl or True,
            proxy=asked.proxy,
        )
        # the time for a connection, and the time for an answer
        async with asyncio.timeout(2 * self._options.timeout):
            response = await request.__aenter__()
        try:
            yield response
        finally:
            await request.__aexit__(None, None, None)

    async def _take_body(self, response: aiohttp.ClientResponse, take: Take) -> None:
        timeout, clock = self._options.timeout, asyncio.get_running_loop().time
        since, received = clock(), 0
        async for piece in response.content.iter_any():
            received += len(piece)
            if clock() - since >= timeout:
                if received < LOWEST_RATE * timeout:
                    raise TooSlow
                since, received = clock(), 0
            busy = take(piece)
            if busy is not None:
                await asyncio.wait([busy])
                since, received = clock(), 0


class _Text:
    """A short body, in memory."""

    def __init__(self, largest: int) -> None:
        self._pieces: list[bytes] = []
        self._largest = largest
        self._taken = 0

    def take(self, piece: bytes | memoryview) -> None:
        self._taken += len(piece)
        if self._taken > self._largest:
            raise too_large(self._largest, "metadata")
        self._pieces.append(bytes(piece))

    async def finish(self) -> bytes:
        return b"".join(self._pieces)

    async def close(self) -> None:
        pass


def _redirected(address: URL, head: Head) -> URL:
    location = head.headers.get("location")
    if not location:
        raise Refused(f"HTTP {head.status} without a Location", status=head.status)
    try:
        target = address.join(URL(location, encoded=True))
        if target.user or target.password:
            target = target.with_user(None)
        named = target.scheme in {"http", "https"} and bool(target.host)
    except ValueError as error:
        raise Refused(f"HTTP {head.status} to a malformed address") from error
    if not named:
        raise Refused(f"HTTP {head.status} to a {target.scheme or 'nameless'} address")
    try:
        return _address(str(target))
    except Refused as refused:
        raise Refused(f"HTTP {head.status}: {refused}") from refused


def _address(url: str) -> URL:
    """An address that a request can be made of."""
    try:
        check_http_address(url)
        return URL(url, encoded=True)
    except (InputError, ValueError) as error:
        raise Refused(error.what if isinstance(error, InputError) else str(error)) from error
