"""Why a request ended without what was asked for, in the user's words, and what to do about it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import aiohttp

from npm2nixlite.errors import too_many_files
from npm2nixlite.fetch.http1 import LOWEST_RATE, CutShort, NoConnection, NoTls, TooSlow
from npm2nixlite.messages import human_bytes
from npm2nixlite.retry import LONGEST_WAIT, is_transient, retry_after

if TYPE_CHECKING:
    from yarl import URL

    from npm2nixlite.fetch.answer import Head

__all__ = ["Refused", "explained", "refusal", "too_large"]

_PROXY_HINT = "npm's settings https-proxy and proxy, or HTTPS_PROXY, name the proxy"


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


def explained(
    error: aiohttp.ClientError | TimeoutError | CutShort | NoConnection | NoTls | TooSlow,
    timeout: float,
) -> Refused:
    """What the general client or the plain lane raises, in the user's words.

    Args:
        error: What was raised.
        timeout: Seconds of silence that were waited for.
    """
    match error:
        case _ if too_many_files(error):
            return Refused(
                "too many open files",
                transient=True,
                hint="allow more (ulimit -n 1024), or use fewer --connections",
            )
        case TooSlow():
            return Refused(
                f"the server sent less than {LOWEST_RATE} bytes a second for {timeout:g} s",
                transient=True,
                hint="try again, or give it longer with --timeout",
            )
        case (
            aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError() | NoTls()
        ):
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
        case aiohttp.ClientPayloadError() | CutShort():
            return Refused("the body was cut short", transient=True)
        case TimeoutError():
            return Refused(
                f"the server gave no byte for {timeout:g} s",
                transient=True,
                hint="try again, or give it longer with --timeout",
            )
        case aiohttp.ClientConnectionError() | NoConnection():
            return Refused(
                f"no connection: {_reason(error)}",
                transient=True,
                hint="check the network and the registry; --registry names another one",
            )
        case _:
            return Refused(f"no proper HTTP answer: {error}")


def refusal(head: Head, address: URL, *, credentials: bool) -> Refused:
    """What an answer of another status than 200 means.

    Args:
        head: The answer.
        address: What was asked for.
        credentials: Whether any were given.
    """
    status = head.status
    host = address.authority
    hint = ""
    if status in {401, 403} and credentials:
        hint = f"the credentials that .npmrc gives for {host} were refused"
    elif status in {401, 403}:
        hint = f"give credentials in .npmrc: //{host}/:_authToken=…"
    elif status == 404:
        hint = "the registry does not have it: check the lock, and --registry"
    wait = retry_after(head.headers.get("retry-after"))
    if wait is not None and wait > LONGEST_WAIT:
        hint = f"the server asks to come back in {wait:.0f} s"
    return Refused(
        f"HTTP {status} {head.reason}".rstrip(),
        status=status,
        transient=is_transient(status),
        wait=wait,
        hint=hint,
    )


def too_large(largest: int, kind: str) -> Refused:
    """What a body of more bytes than may be means.

    Args:
        largest: Bytes that it may have.
        kind: ``tarball`` or ``metadata``, as the option's name has it.
    """
    return Refused(
        f"it has more than {human_bytes(largest)}",
        hint=f"if it is meant to be so large, raise --max-{kind}-size",
    )


def _reason(error: aiohttp.ClientConnectionError | NoConnection) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        if cause.errno and cause.errno > 0:  # negative where a name does not resolve
            return os.strerror(cause.errno)
        return cause.strerror or str(cause)
    return str(error) or type(error).__name__
