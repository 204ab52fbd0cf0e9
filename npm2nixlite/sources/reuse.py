"""Tarballs that this machine has already: in npm's own cache, or in the Nix store.

Both are trusted with nothing: what is found there is copied, and counts when its bytes have every
hash that the lock gives.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache, unwritable
from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.partial import PartialFile
from npm2nixlite.files import parse_json
from npm2nixlite.integrity import Integrity, check_integrity
from npm2nixlite.node_packages.names import store_name
from npm2nixlite.store.path import DEFAULT_STORE_DIR, fixed_output_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Sought", "find_here", "nix_store"]

_AT_ONCE = 4
_CHUNK = 1 << 18
_NIX_ALGORITHMS = frozenset({"sha1", "sha256", "sha512"})


@dataclass(frozen=True, slots=True)
class Sought:
    """A tarball that the download cache lacks.

    Attributes:
        integrities: Every hash that the lock gives; none: nothing is found.
        path: Its address, or its path below the registry base.
        url: Gives the whole address; asked only where ``guessed``.
        guessed: The address only follows from name and version. Then npm's cache must have it
            from there, or else the file that is written would depend on what this machine has.
        npm_cache: The directory of npm's cache.
    """

    integrities: frozenset[Integrity]
    path: str
    url: Callable[[], str]
    guessed: bool
    npm_cache: Path


def nix_store() -> Path:
    """The Nix store's directory, whether or not there is one."""
    return Path(os.environ.get("NIX_STORE_DIR") or DEFAULT_STORE_DIR)


def find_here(sought: Sequence[Sought], cache: Cache, store: Path) -> list[Integrity | None]:
    """Take tarballs into the download cache from elsewhere on this machine.

    Args:
        sought: The tarballs.
        cache: Takes what is found and verified.
        store: See `nix_store`.

    Returns:
        The sha512 of each one that was found, in their order; None for the others.

    Raises:
        FetchError: The cache cannot be written.
    """
    places = [list(_places(item, store)) for item in sought]
    found: list[Integrity | None] = [None] * len(sought)
    if not any(places):
        return found
    with cache.partial_directory() as partial, ThreadPoolExecutor(_AT_ONCE) as threads:

        def take(number: int) -> Integrity | None:
            for place in places[number]:
                sha512 = _take(place, sought[number], partial / f"here-{number}", cache)
                if sha512 is not None:
                    return sha512
            return None

        numbers = [number for number, there in enumerate(places) if there]
        for number, sha512 in zip(numbers, threads.map(take, numbers), strict=True):
            found[number] = sha512
    return found


def _places(sought: Sought, store: Path) -> Iterator[Path]:
    for integrity in sorted(sought.integrities, reverse=True):
        place = _npm_place(sought, integrity)
        if place is not None:
            yield place
        if integrity.algorithm in _NIX_ALGORITHMS and not sought.guessed:
            name, _ = store_name(sought.path)
            path = Path(str(fixed_output_path(name, integrity, store_dir=str(store))))
            if path.is_file():
                yield path


def _npm_place(sought: Sought, integrity: Integrity) -> Path | None:
    """Where npm's ``cacache`` keeps this content, by its hash."""
    root = sought.npm_cache / "_cacache"
    place = root / "content-v2" / integrity.algorithm / _spread(integrity.hex)
    if not place.is_file() or (sought.guessed and not _is_from(root, sought.url(), integrity)):
        return None
    return place


def _is_from(root: Path, url: str, integrity: Integrity) -> bool:
    """Whether the cache's index says that npm got this content from this address."""
    key = f"make-fetch-happen:request-cache:{url}"
    bucket = root / "index-v5" / _spread(hashlib.sha256(key.encode()).hexdigest())
    try:
        lines = bucket.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    for line in lines:
        try:
            entry = parse_json(line.partition("\t")[2])
        except ValueError:
            continue  # as cacache does with a line that was not written to its end
        if isinstance(entry, dict) and entry.get("key") == key:
            return str(integrity) in str(entry.get("integrity")).split()
    return False


def _spread(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest[4:]}"


def _take(place: Path, sought: Sought, partial: Path, cache: Cache) -> Integrity | None:
    algorithms = {"sha512", *(integrity.algorithm for integrity in sought.integrities)}
    try:
        source = place.open("rb")
    except OSError:
        return None  # gone by now, or not for us
    try:
        with source:
            copy = PartialFile(str(partial), algorithms)
            try:
                while chunk := source.read(_CHUNK):
                    copy.write(chunk)
                computed = copy.integrities()
                check_integrity(sought.integrities, computed)
                copy.move(lambda path: cache.add(path, computed["sha512"], sought.integrities))
            finally:
                copy.close()
    except FetchError:
        return None  # damaged there; it is fetched
    except OSError as error:
        raise unwritable(cache.directory, error) from error
    return computed["sha512"]
