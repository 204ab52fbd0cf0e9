"""A binary cache behind a web server that takes PUT: ``http://…``, ``https://…``."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeGuard
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from npm2nixlite import __version__
from npm2nixlite.binarycache.backend import Stat
from npm2nixlite.binarycache.fault import own_fault
from npm2nixlite.binarycache.retry import TransientError, is_transient, persistently
from npm2nixlite.errors import BuildError, UsageError
from npm2nixlite.fetch.http1 import (
    CutShort,
    NoConnection,
    NoTls,
    NotPlain,
    Origin,
    PlainHttp,
    TooSlow,
    request,
)
from npm2nixlite.retry import retry_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

    from npm2nixlite.binarycache.backend import Body
    from npm2nixlite.binarycache.credentials import Credentials
    from npm2nixlite.fetch.answer import Head

__all__ = ["HttpBackend"]

_CHUNK = 1 << 19  # bytes; small enough that a slow line is told from a dead one
_ABSENT = frozenset({404, 410})
_NO_HEAD = frozenset({405, 501})
_HINTS = {
    401: "give credentials: a token, or an entry for the host in ~/.netrc",
    403: "these credentials may not do this; ask whoever runs the cache",
    404: "there is nothing that takes uploads at this address",
    405: "the server takes no PUT here; nginx wants: dav_methods PUT;",
    409: "the directory is missing there",
    413: "the server takes no file this large; nginx wants: client_max_body_size 0;",
    500: (
        "the server's log says why; nginx answers so where it may not write, where its disk is"
        " full, and where directories are missing: create_full_put_path on;"
    ),
    501: "the server knows no PUT",
    507: "the server is full; make room there and run it again",
}


class HttpBackend:
    """Files below an address.

    Args:
        address: http or https, without user, query and fragment.
        credentials: For this address; redirects to another origin do not get them.
        connections: How many requests run at once.
        retries: How often a request is repeated where that may help.
        stalled: Seconds without any progress after which a request is given up.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: Credentials | None = None,
        connections: int,
        retries: int,
        stalled: float,
    ) -> None:
        self._base = address.rstrip("/") + "/"
        self._headers = {"Authorization": credentials.authorization} if credentials else {}
        self._connections = connections
        self._retries = retries
        self._stalled = stalled
        self._proxy = _proxy(URL(address))
        self._session: aiohttp.ClientSession | None = None
        self._plain: PlainHttp | None = None
        url = URL(self._base)
        self._host, self._path = url.raw_authority, url.raw_path
        self._plain_headers = {
            "User-Agent": f"npm2nixlite/{__version__}",
            "Accept-Encoding": "identity",
            **self._headers,
        }
        self._origin = Origin(url.host or "", url.port or 80, None)

    @property
    def address(self) -> str:
        """The cache's address."""
        return self._base.rstrip("/")

    async def __aenter__(self) -> Self:
        if self._proxy is None:
            tls = _tls() if self._base.startswith("https") else None
            self._origin = replace(self._origin, ssl=tls)
            self._plain = PlainHttp(self._stalled)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, ssl=_tls() if self._base.startswith("https") else True
            ),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"npm2nixlite/{__version__}"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._plain is not None:
            self._plain.close()
        if self._session is not None:
            await self._session.close()

    async def get(self, key: str) -> bytes | None:
        """The file's content; ``None`` where the server says that there is none."""
        content = bytearray()
        head = await self._quick("GET", key, content)
        if head is not None and head.status == 200:
            return bytes(content)
        if head is not None and head.status in _ABSENT:
            return None
        return await persistently(
            lambda: self._get(key), retries=self._retries, where=self._base + key
        )

    async def stat(self, key: str) -> Stat | None:
        """What the server's headers say of a file."""
        head = await self._quick("HEAD", key, bytearray())
        if head is not None and head.status == 200 and head.plain:
            return Stat(int(head.headers["content-length"]))
        if head is not None and head.status in _ABSENT:
            return None
        return await persistently(
            lambda: self._stat(key), retries=self._retries, where=self._base + key
        )

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """The file's content in pieces; not tried again once some of it has come."""
        try:
            async with self._answer("GET", key, {"Accept-Encoding": "identity"}) as response:
                self._check(response, key)
                async for piece in response.content.iter_chunked(_CHUNK):
                    yield piece
        except TransientError as error:
            raise BuildError(str(error), where=self._base + key, hint=error.hint) from error

    async def list(self) -> AsyncIterator[tuple[str, Stat]]:
        """What nginx's ``autoindex_format json`` lists."""
        pending = [""]
        while pending:
            directory = pending.pop()
            try:
                raw = await self.get(directory)
            except BuildError as error:
                if "answered 403" not in error.what:  # nginx's answer for what it does not list
                    raise
                raw = None
            for entry in _listing(raw, self._base + directory):
                name = quote(str(entry.get("name")))
                if name.startswith("."):
                    continue
                if entry.get("type") == "directory":
                    pending.append(f"{directory}{name}/")
                else:
                    size = entry.get("size")
                    yield directory + name, Stat(size if isinstance(size, int) else None)

    async def put(self, key: str, body: Body, content_type: str) -> None:
        """Upload a file; servers that take PUT put it in place once it is whole."""
        await persistently(
            lambda: self._put(key, body, content_type),
            retries=self._retries,
            where=self._base + key,
        )

    async def _get(self, key: str) -> bytes | None:
        with self._failures(key):
            async with (
                asyncio.timeout(self._stalled),
                self._running.get(
                    URL(self._base + key, encoded=True), headers=self._headers, proxy=self._proxy
                ) as response,
            ):
                if response.status in _ABSENT:
                    return None
                self._check(response, key)
                return await response.read()

    async def _quick(self, method: str, key: str, content: bytearray) -> Head | None:
        """Ask with a third of the effort; None where the general client is to ask instead."""
        if self._plain is None:
            return None
        try:
            message = request(self._host, self._path + key, self._plain_headers, method)
            return await self._plain.get(self._origin, message, content.extend, whole=True)
        except (NotPlain, NoConnection, NoTls, CutShort, TooSlow, OSError):  # or TimeoutError
            content.clear()
            return None

    async def _stat(self, key: str) -> Stat | None:
        # A size is the file's own only where the server does not compress it on the way.
        async with self._answer("HEAD", key, {"Accept-Encoding": "identity"}) as response:
            if response.status in _ABSENT:
                return None
            if response.status in _NO_HEAD:
                return Stat(None)
            self._check(response, key)
            return Stat(response.content_length)

    @asynccontextmanager
    async def _answer(
        self, method: str, key: str, headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        with self._failures(key):
            async with (
                asyncio.timeout(self._stalled) as deadline,
                self._running.request(
                    method,
                    URL(self._base + key, encoded=True),
                    headers={**self._headers, **headers},
                    proxy=self._proxy,
                    timeout=aiohttp.ClientTimeout(total=None, sock_read=self._stalled),
                ) as response,
            ):
                deadline.reschedule(None)  # from here on, each piece has its time
                yield response

    async def _put(self, key: str, body: Body, content_type: str) -> None:
        size = len(body) if isinstance(body, bytes) else body.size
        headers = {**self._headers, "Content-Type": content_type, "Content-Length": str(size)}
        with self._failures(key):
            async with (
                asyncio.timeout(self._stalled) as deadline,
                self._running.put(
                    URL(self._base + key, encoded=True),
                    data=body if _is_small(body) else self._chunks(body, deadline),
                    headers=headers,
                    proxy=self._proxy,
                    allow_redirects=False,  # a redirected PUT would send the whole body twice
                ) as response,
            ):
                self._check(response, key)
                await response.read()

    async def _chunks(self, body: Body, deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
        """The body, piece by piece; each piece that is taken puts the deadline off."""
        clock = asyncio.get_running_loop().time
        if isinstance(body, bytes):
            view = memoryview(body)
            for start in range(0, len(view), _CHUNK):
                deadline.reschedule(clock() + self._stalled)
                yield bytes(view[start : start + _CHUNK])
            return
        source = await asyncio.to_thread(body.open)
        try:
            while piece := await asyncio.to_thread(source.read, _CHUNK):
                deadline.reschedule(clock() + self._stalled)
                yield piece
        finally:
            source.close()

    @property
    def _running(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the backend is used outside its context")
        return self._session

    def _check(self, response: aiohttp.ClientResponse, key: str) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        what = f"{response.method} answered {status} {response.reason or ''}".rstrip()
        hint = _HINTS.get(status, "")
        if is_transient(status):
            raise TransientError(
                what, wait=retry_after(response.headers.get("Retry-After")), hint=hint
            )
        if 300 <= status < 400:
            target = URL(response.headers.get("Location", "")).with_user(None)
            hint = f"push to where it redirects to: {target}"
        raise BuildError(what, where=self._base + key, hint=hint)

    @contextmanager
    def _failures(self, key: str) -> Iterator[None]:
        """Tell what may go better the next time from what will not."""
        try:
            yield
        except TimeoutError:
            raise TransientError(f"nothing moved for {self._stalled:g} seconds") from None
        except aiohttp.ClientSSLError as error:
            raise BuildError(
                f"TLS failed: {error.__cause__ or error}",
                where=self._base + key,
                hint="name your certificate authority in SSL_CERT_FILE or NIX_SSL_CERT_FILE",
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise TransientError(
                f"no connection: {error.os_error.strerror or error.os_error}",
                hint="check the address, and that the server runs",
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            if fault := own_fault(error):
                raise fault from None
            raise TransientError(
                f"the connection broke: {error or type(error).__name__}"
            ) from error


def _listing(raw: bytes | None, where: str) -> Iterator[dict[str, object]]:
    try:
        entries = json.loads(raw or b"")
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        raise UsageError(
            "this server does not tell what it has",
            where=where,
            hint="nginx does with: autoindex on; autoindex_format json; or name what to look at",
        )
    return (entry for entry in entries if isinstance(entry, dict))


def _is_small(body: Body) -> TypeGuard[bytes]:
    return isinstance(body, bytes) and len(body) <= _CHUNK


def _tls() -> ssl.SSLContext:
    """OpenSSL honours SSL_CERT_FILE by itself; Nix's own variable counts more, as in Nix."""
    return ssl.create_default_context(cafile=os.environ.get("NIX_SSL_CERT_FILE") or None)


def _proxy(address: URL) -> str | None:
    if proxy_bypass(address.host or ""):
        return None
    return getproxies().get(address.scheme)
