"""From a store's address to the backend that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from npm2nixlite.binarycache.credentials import Credentials, from_netrc, netrc_files
from npm2nixlite.binarycache.retry import DEFAULT_RETRIES
from npm2nixlite.errors import UsageError
from npm2nixlite.messages import without_credentials

if TYPE_CHECKING:
    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.binarycache.backends.s3 import Bucket

__all__ = [
    "DEFAULT_JOBS",
    "SCHEMES",
    "STALLED",
    "backend_at",
    "is_cache",
]

DEFAULT_JOBS = 16
"""How many requests run at once; a cache far away needs them to hide the way."""

SCHEMES = frozenset({"file", "http", "https", "s3"})
"""The kinds of address that `backend_at` takes; Nix itself can be asked about any other."""

STALLED = 60.0
"""Seconds without any progress after which a request is given up."""

_S3_PARAMETERS = frozenset({"endpoint", "region", "profile", "scheme"})


def is_cache(address: str) -> bool:
    """Whether an address is a binary cache's; all others only Nix can open."""
    try:
        return urlsplit(address).scheme in SCHEMES
    except ValueError:
        return False


def backend_at(
    address: str,
    *,
    credentials: Credentials | None = None,
    jobs: int = DEFAULT_JOBS,
    retries: int = DEFAULT_RETRIES,
    stalled: float = STALLED,
) -> Backend:
    """The backend for a store's address; nothing is contacted yet.

    Args:
        address: ``file:///DIR``, ``http(s)://[USER:PASSWORD@]HOST/…``, or
            ``s3://BUCKET[?endpoint=…&region=…&profile=…&scheme=…]``.
        credentials: For http and https; by default those in the address, or in a netrc.
        jobs: How many requests run at once.
        retries: How often a request is repeated where that may help.
        stalled: Seconds without any progress after which a request over HTTP is given up.

    Raises:
        UsageError: The address is of no such kind.
        InputError: A netrc is malformed.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        raise UsageError(f"the address is malformed: {error}") from None
    match parts.scheme:
        case "file":
            from npm2nixlite.binarycache.backends.file import FileBackend

            return FileBackend(_directory(parts))
        case "http" | "https":
            from npm2nixlite.binarycache.backends.http import HttpBackend

            return HttpBackend(
                _web_address(parts),
                credentials=credentials or _given(parts),
                connections=jobs,
                retries=retries,
                stalled=stalled,
            )
        case "s3":
            from npm2nixlite.binarycache.backends.s3 import S3Backend

            return S3Backend(_bucket(parts), connections=jobs, retries=retries)
        case _:
            raise UsageError(
                "this is no address of a binary cache",
                where=without_credentials(parts.geturl()),
                hint="expected file:///DIR, http(s)://HOST/… or s3://BUCKET",
            )


def _directory(parts: SplitResult) -> Path:
    _refuse_parameters(parts, frozenset())
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/"):
        raise UsageError(
            "a directory's address has three slashes",
            where=without_credentials(parts.geturl()),
            hint="file:///DIR",
        )
    return Path(path)


def _web_address(parts: SplitResult) -> str:
    _refuse_parameters(parts, frozenset())
    if not parts.hostname:
        raise UsageError("the address names no host", where=without_credentials(parts.geturl()))
    return without_credentials(parts.geturl())


def _given(parts: SplitResult) -> Credentials | None:
    if parts.username is not None:
        return Credentials.basic(unquote(parts.username), unquote(parts.password or ""))
    return from_netrc(parts.hostname or "", netrc_files())


def _bucket(parts: SplitResult) -> Bucket:
    from npm2nixlite.binarycache.backends.s3 import Bucket

    parameters = _refuse_parameters(parts, _S3_PARAMETERS)
    if not parts.netloc or parts.path.strip("/"):
        raise UsageError(
            "an S3 address names a bucket and no more",
            where=without_credentials(parts.geturl()),
            hint="s3://BUCKET?region=…; as in Nix, a cache fills a bucket from its root",
        )
    endpoint = parameters.get("endpoint", "")
    if endpoint and "://" not in endpoint:
        endpoint = f"{parameters.get('scheme', 'https')}://{endpoint}"
    return Bucket(
        parts.netloc,
        endpoint,
        parameters.get("region", "us-east-1"),
        parameters.get("profile", ""),
    )


def _refuse_parameters(parts: SplitResult, known: frozenset[str]) -> dict[str, str]:
    """A store's address has parameters that Nix knows; those not known here must not be lost."""
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in parameters:
        if name not in known:
            raise UsageError(
                f"the address has a parameter {name!r} that is not known here",
                where=without_credentials(parts.geturl()),
                hint="compression and signing have options of their own",
            )
    if parts.fragment:
        raise UsageError("the address has a fragment", where=without_credentials(parts.geturl()))
    return parameters
