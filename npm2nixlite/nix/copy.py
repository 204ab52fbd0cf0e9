"""Copying store paths with ``nix copy``: closures, and to stores that only Nix itself knows."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from npm2nixlite.binarycache.address import is_cache
from npm2nixlite.binarycache.credentials import from_netrc, netrc_files
from npm2nixlite.binarycache.pack import Compression
from npm2nixlite.errors import BuildError, InputError, UsageError
from npm2nixlite.nix.command import batches, run
from npm2nixlite.progress import ignore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from npm2nixlite.progress import Advance

__all__ = [
    "Destination",
    "closure",
    "copy",
    "destination",
    "missing",
    "ping",
    "store_path",
]

_NIX = ("nix", "--extra-experimental-features", "nix-command")
_UNKNOWN = "don't know how to open Nix store"
_COPIED = re.compile(r"copying path '([^']+)'")


@dataclass(frozen=True)
class Destination:
    """A store, as Nix addresses it.

    Attributes:
        address: With what Nix takes as parameters, and without credentials.
        shown: The same as messages show it.
        options: Nix's settings for it.
        key_file: What to sign with before copying, where the store does not do it.
    """

    address: str
    shown: str
    options: tuple[str, ...] = field(default=())
    key_file: Path | None = None


def store_path(given: Path, store_dir: str) -> str | None:
    """The store path that something is, or links to, such as ``./result``; None where it is none.

    Args:
        given: Any path.
        store_dir: The logical store directory.
    """
    target = os.path.realpath(given)
    return target if os.path.dirname(target) == store_dir else None  # noqa: PTH120 (a string)


@contextmanager
def destination(
    address: str,
    *,
    compression: Compression | None,
    key_file: Path | None,
    jobs: int,
    retries: int,
) -> Iterator[Destination]:
    """A store for Nix, with our options as Nix has them; holds as long as the context.

    Args:
        address: Of any store.
        compression: Of NARs, for binary caches only; None for what suits what was built.
        key_file: What to sign with.
        jobs: How many requests run at once.
        retries: How often a request is repeated.

    Raises:
        UsageError: The options make no sense for such a store.
        InputError: A netrc is malformed.
    """
    options = {
        # What a cache was found to have, or lack, an hour ago may be otherwise now.
        "narinfo-cache-negative-ttl": "0",
        "narinfo-cache-positive-ttl": "0",
        "http-connections": str(jobs),
        "download-attempts": str(retries + 1),
    }
    if not is_cache(address):
        if compression is not None:
            raise UsageError(
                "--compression is for binary caches, and this is none",
                where=address,
                hint="leave it out",
            )
        yield Destination(address, address, _flat(options), key_file)
        return
    parts = urlsplit(address)
    parameters = dict(parse_qsl(parts.query))
    scheme, _, host = parameters.get("endpoint", "").rpartition("://")
    if scheme:
        parameters |= {"scheme": scheme, "endpoint": host}
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    # Unlike tarballs, what was built is not compressed yet.
    parameters["compression"] = (compression or Compression.ZSTD).value
    if key_file is not None:
        parameters["secret-key"] = str(key_file.absolute())
    with ExitStack() as stack:
        if login := _login(address):
            options["netrc-file"] = str(stack.enter_context(_netrc(*login)))
        target = shown._replace(query=urlencode(parameters)).geturl()
        yield Destination(target, shown.geturl(), _flat(options))


async def closure(paths: Sequence[str]) -> tuple[str, ...]:
    """Store paths with all that they need.

    Raises:
        InputError: One is not in the local store.
        BuildError: There is no Nix, or it cannot open its store.
    """
    absent = [
        path
        for batch in batches(paths)
        for path in await run(["nix-store", "--check-validity", "--print-invalid", *batch])
    ]
    if absent:
        raise InputError(
            "there is no such path in the local Nix store",
            where=absent[0],
            hint="build it first, with nix-build or nix build",
        )
    found: dict[str, None] = {}
    for batch in batches(paths):
        found.update(dict.fromkeys(await run(["nix-store", "--query", "--requisites", *batch])))
    return tuple(found)


async def ping(address: str) -> None:
    """Make sure that Nix can open a store.

    Raises:
        UsageError: Nix does not know such a store.
        BuildError: It cannot be reached.
    """
    with _opening(address, address):
        await run([*_NIX, "store", "ping", "--store", address])


async def missing(store: Destination, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of some paths that a store has not got.

    Raises:
        UsageError: Nix does not know such a store.
        BuildError: It cannot be asked.
    """
    with _opening(store.address, store.shown):
        await run([*_NIX, "store", "ping", *store.options, "--store", store.address])
        ask = ["nix-store", *store.options, "--store", store.address]
        return tuple(
            [
                path
                for batch in batches(paths)
                for path in await run([*ask, "--check-validity", "--print-invalid", *batch])
            ]
        )


async def copy(store: Destination, paths: Sequence[str], advance: Advance = ignore) -> int:
    """Copy store paths, with all that they need, from the local store to another.

    Args:
        store: Where to.
        paths: In the local store.
        advance: Told of each path that is on its way.

    Returns:
        How many were copied; the others were there.

    Raises:
        UsageError: Nix does not know such a store.
        BuildError: Nix cannot copy; what it has copied stays.
    """
    copied: set[str] = set()

    def count(line: str) -> None:
        found = _COPIED.search(line)
        if found is not None and found[1] not in copied:
            copied.add(found[1])
            advance(1, 0)

    with _opening(store.address, store.shown):
        for batch in batches(paths):
            if store.key_file is not None:
                sign = ["store", "sign", "--key-file", str(store.key_file.absolute())]
                await run([*_NIX, *sign, "--recursive", *batch])
            await run(
                [*_NIX, "copy", *store.options, "--to", store.address, *batch], on_complaint=count
            )
    return len(copied)


@contextmanager
def _opening(address: str, shown: str) -> Iterator[None]:
    try:
        yield
    except BuildError as error:
        if _UNKNOWN not in error.what:
            raise BuildError(error.what, where=shown, hint=error.hint) from error
        hint = "expected file:///DIR, http(s)://HOST/…, s3://BUCKET, or what Nix knows: ssh-ng://…"
        if address.startswith("s3:"):
            hint = "this Nix was built without S3; take one that was"
        raise UsageError("Nix knows no such store", where=shown, hint=hint) from error


def _flat(options: dict[str, str]) -> tuple[str, ...]:
    return tuple(word for name, value in options.items() for word in ("--option", name, value))


def _login(address: str) -> tuple[str, str, str] | None:
    """Host, user and password for an address, as pushing without Nix finds them, too."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"}:
        return None
    if parts.username is not None:
        return host, unquote(parts.username), unquote(parts.password or "")
    credentials = from_netrc(host, netrc_files())
    return None if credentials is None else (host, *credentials.pair())


@contextmanager
def _netrc(host: str, user: str, password: str) -> Iterator[Path]:
    """A netrc with one entry, which only its owner may read: command lines are seen by all."""

    def quoted(text: str) -> str:
        if re.fullmatch(r"[!#-\[\]-~]+", text):
            return text  # older versions of curl know no quotes
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    with NamedTemporaryFile("w", prefix="npm2nixlite-netrc-") as file:
        file.write(f"machine {host} login {quoted(user)} password {quoted(password)}\n")
        file.flush()
        yield Path(file.name)
