"""Addresses that others wrote: in locks, in registries' metadata, in redirects, in settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from npm2nixlite.errors import InputError
from npm2nixlite.messages import without_credentials

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["check_http_address"]

_UNSAFE = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\]")


def check_http_address(address: str) -> SplitResult:
    """Take an address apart that a request can be made of.

    Args:
        address: http or https, with a host that the name system could know, a port from 1 to
            65535 or none, and without credentials, spaces and quotes.

    Raises:
        InputError: It is none; credentials are not shown.
    """
    shown = without_credentials(address)[:200]
    if _UNSAFE.search(address):
        raise InputError(f"malformed address {shown!r}")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise InputError(f"malformed address {shown!r}: {error}") from error
    if parts.scheme not in {"http", "https"}:
        raise InputError(f"the address {shown!r} is not of http or https")
    if parts.username is not None or parts.password is not None:
        raise InputError(f"the address on {parts.hostname} carries credentials")
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc.rstrip(":")
    if port == 0 or len(host) > 253 or not _HOST.fullmatch(host):
        raise InputError(f"malformed address {shown!r}: no such host can be")
    return parts
