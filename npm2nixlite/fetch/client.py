"""Get one address: redirects, credentials, retries, and errors that say what to do."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from yarl import URL

from npm2nixlite import __version__
from npm2nixlite.retry import LONGEST_WAIT, backoff, is_transient, retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from npm2nixlite.config import RegistryConfig
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.fetch.tls import Tls

__all__ = ["Client", "Refused", "open_session"]

T = TypeVar("T")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_PROXY_HINT = "npm's settings https-proxy and proxy, or HTTPS_PROXY, name the proxy"
_READ_BUFFER = 256 * 1024  # bytes; a socket's worth at a time


class Refused(Exception):  # noqa: N818 (an answer, not a fault of ours)
    """A request that ended without what was asked for.

    Attributes:
        status: The HTTP status; None where there was no answer, or no whole one.
        transient: Whether another attempt may go better.
        wait: Seconds the server asks to wait before it.
        hint: What the user can do.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        transient: bool = False,
        wait: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.transient = transient
        self.wait = wait
        self.hint = hint


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
        headers={
            "User-Agent": f"npm2nixlite/{__version__}",
            "Accept-Encoding": "identity",
        },
    )


@dataclass
class Client:
    """Gets addresses with a session.

    Attributes:
        session: See `open_session`.
        options: Retries and timeouts.
        tls: How to verify servers.
        answered: Hosts that have answered anything at all in this run.
        silent: Hosts that never did, though all retries were spent on them, and how they failed;
            no more time is spent on these.
    """

    session: aiohttp.ClientSession
    options: FetchOptions
    tls: Tls
    answered: set[str] = field(default_factory=set)
    silent: dict[str, Refused] = field(default_factory=dict)

    async def get(
        self,
        url: str,
        config: RegistryConfig,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        accept: str = "*/*",
    ) -> T:
        """Get an address and use its answer; both are tried again where that may help.

        Args:
            url: http or https.
            config: Gives the credentials for this address, and for those it redirects to.
            use: Reads the body; called anew for each attempt.
            accept: Media types.

        Raises:
            Refused: The last attempt's failure.
        """
        address = URL(url, encoded=True)
        host = address.authority
        attempt = 0
        while True:
            if host in self.silent:
                raise self.silent[host]
            try:
                return await self._attempt(address, config, use, accept)
            except Refused as refused:
                failure = refused
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = _explained(error, self.options.timeout)
            wait = backoff(attempt) if failure.wait is None else failure.wait
            if not failure.transient or attempt >= self.options.retries or wait > LONGEST_WAIT:
                if failure.transient and failure.status is None and host not in self.answered:
                    self.silent[host] = failure
                raise failure
            await asyncio.sleep(wait)
            attempt += 1

    async def _attempt(
        self,
        address: URL,
        config: RegistryConfig,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        accept: str,
    ) -> T:
        for _ in range(_MOST_REDIRECTS):
            headers = {"Accept": accept}
            # Asked anew at each hop: what was given for one host goes to no other.
            authorization = config.authorization(str(address))
            if authorization is not None:
                headers["Authorization"] = authorization
            secure = address.scheme == "https"
            async with self.session.get(
                address,
                headers=headers,
                allow_redirects=False,
                ssl=self.tls.context(config.tls(str(address))) if secure else True,
                proxy=config.proxy(str(address)),
            ) as response:
                self.answered.add(address.authority)
                if response.status == 200:
                    return await use(response)
                if response.status not in _REDIRECTS:
                    raise _refusal(response, credentials=authorization is not None)
                address = _redirected(address, response)
        raise Refused(f"more than {_MOST_REDIRECTS} redirects")


def _explained(error: aiohttp.ClientError | TimeoutError, timeout: float) -> Refused:
    """What the HTTP library raises, in the user's words."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return Refused(
                f"TLS failed: {error.__cause__ or error}",
                hint="name your certificate authority: npm's 'cafile', or SSL_CERT_FILE",
            )
        case aiohttp.ClientHttpProxyError():
            # Its own words may hold the proxy's address, and a password with it.
            return Refused(
                f"the proxy answered HTTP {error.status}",
                status=error.status,
                transient=is_transient(error.status),
                hint=_PROXY_HINT,
            )
        case aiohttp.ClientProxyConnectionError():
            return Refused(
                f"no connection to the proxy: {_reason(error)}", transient=True, hint=_PROXY_HINT
            )
        case aiohttp.ClientPayloadError():
            return Refused("the body was cut short", transient=True)
        case TimeoutError():
            return Refused(
                f"the server gave no byte for {timeout:g} s",
                transient=True,
                hint="try again, or give it longer with --timeout",
            )
        case aiohttp.ClientConnectionError():
            return Refused(
                f"no connection: {_reason(error)}",
                transient=True,
                hint="check the network and the registry; --registry names another one",
            )
        case _:
            return Refused(f"no proper HTTP answer: {error}")


def _redirected(address: URL, response: aiohttp.ClientResponse) -> URL:
    location = response.headers.get("Location")
    if not location:
        raise Refused(f"HTTP {response.status} without a Location", status=response.status)
    try:
        target = address.join(URL(location, encoded=True))
    except ValueError as error:
        raise Refused(f"HTTP {response.status} to a malformed address") from error
    if target.scheme not in {"http", "https"} or not target.host:
        raise Refused(f"HTTP {response.status} to a {target.scheme or 'nameless'} address")
    return target.with_user(None) if target.user else target


def _refusal(response: aiohttp.ClientResponse, *, credentials: bool) -> Refused:
    status = response.status
    host = response.url.authority
    hint = ""
    if status in {401, 403} and credentials:
        hint = f"the credentials that .npmrc gives for {host} were refused"
    elif status in {401, 403}:
        hint = f"give credentials in .npmrc: //{host}/:_authToken=…"
    elif status == 404:
        hint = "the registry does not have it: check the lock, and --registry"
    wait = retry_after(response.headers.get("Retry-After"))
    if wait is not None and wait > LONGEST_WAIT:
        hint = f"the server asks to come back in {wait:.0f} s"
    return Refused(
        f"HTTP {status} {response.reason or ''}".rstrip(),
        status=status,
        transient=is_transient(status),
        wait=wait,
        hint=hint,
    )


def _reason(error: aiohttp.ClientConnectionError) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        if cause.errno and cause.errno > 0:  # negative where a name does not resolve
            return os.strerror(cause.errno)
        return cause.strerror or str(cause)
    return str(error) or type(error).__name__
