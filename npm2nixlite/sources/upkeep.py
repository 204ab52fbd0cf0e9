"""Keeping the download cache whole and small."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import unreadable, unwritable
from npm2nixlite.errors import InputError
from npm2nixlite.files import read_file, remove_tree, walk
from npm2nixlite.integrity import Integrity, parse_integrity
from npm2nixlite.store.nar import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from npm2nixlite.cache import Cache
    from npm2nixlite.progress import Advance

__all__ = ["CacheReport", "Pruned", "drop_wrong", "is_whole_tree", "prune", "verify_cache"]

_DAY = 86_400.0
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class CacheReport:
    """What reading all of a cache came to.

    Attributes:
        tarballs: How many were read.
        trees: How many trees of git dependencies were.
        dropped: What was not what its name says, and is removed; relative to the cache.
    """

    tarballs: int
    trees: int
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Pruned:
    """What pruning removed.

    Attributes:
        removed: Tarballs and trees.
        freed: Their bytes.
        kept: Tarballs and trees that are left.
        size: Their bytes.
    """

    removed: int
    freed: int
    kept: int
    size: int


def is_whole_tree(cache: Cache, sha256: Integrity) -> bool:
    """Whether the tree of this NAR hash is in the cache and has it; reads all of it."""
    digest = hashlib.sha256()
    try:
        for piece in dump(cache.tree(sha256)):
            digest.update(piece)
    except (OSError, InputError):
        return False
    return digest.digest() == sha256.digest


def drop_wrong(
    cache: Cache, tarballs: Iterable[Integrity], trees: Iterable[Integrity] = ()
) -> tuple[str, ...]:
    """Remove what is not what its name says; what is not there is no fault.

    Args:
        cache: Read.
        tarballs: Their sha512.
        trees: The sha256 of their NARs.

    Returns:
        What was removed, relative to the cache.

    Raises:
        FetchError: Something cannot be removed.
    """
    there = [sha512 for sha512 in dict.fromkeys(tarballs) if cache.has(sha512)]
    dropped: list[str] = []
    with ThreadPoolExecutor(_THREADS) as threads:
        for sha512, whole in zip(there, threads.map(cache.is_whole, there), strict=True):
            if not whole:
                cache.drop(sha512)
                dropped.append(f"sha512/{sha512.hex}")
    for sha256 in dict.fromkeys(trees):
        if cache.has_tree(sha256) and not is_whole_tree(cache, sha256):
            cache.drop_tree(sha256)
            dropped.append(f"tree/{sha256.hex}")
    return tuple(dropped)


def verify_cache(cache: Cache, advance: Advance | None = None) -> CacheReport:
    """Read all that is in the cache, and remove what is not what its name says.

    Args:
        cache: Read.
        advance: Told of each tarball and tree.

    Raises:
        FetchError: The cache cannot be read, or something cannot be removed.
    """
    odd: list[str] = []
    found: dict[str, list[Integrity]] = {"sha512": [], "tree": []}
    for kind, algorithm in (("sha512", "sha512"), ("tree", "sha256")):
        for name in _names(cache, kind):
            integrity = _integrity(algorithm, name)
            if integrity is None or (kind == "sha512") != (cache.directory / kind / name).is_file():
                odd.append(f"{kind}/{name}")
            else:
                found[kind].append(integrity)
    for relative in odd:
        _remove(cache, cache.directory / relative)
    dropped = [*odd]
    for kind, integrities in found.items():
        for integrity in integrities:
            tarballs, trees = ([integrity], []) if kind == "sha512" else ([], [integrity])
            dropped += drop_wrong(cache, tarballs, trees)
            if kind == "sha512" and not cache.has(integrity):
                _remove(cache, cache.path(integrity))  # an empty one
            if advance is not None:
                advance(1, 0)
    for note in _wrong_notes(cache):
        _remove(cache, note)
        dropped.append(str(note.relative_to(cache.directory)))
    return CacheReport(len(found["sha512"]), len(found["tree"]), tuple(sorted(set(dropped))))


def prune(cache: Cache, *, older_than: float | None = None, max_size: int | None = None) -> Pruned:
    """Remove what was not used for long, the oldest first, and notes that lead nowhere.

    Args:
        cache: Pruned.
        older_than: Days in which it was neither written nor read.
        max_size: Bytes that the rest may have.

    Raises:
        FetchError: The cache cannot be read, or something cannot be removed.
    """
    with cache.partial_directory():
        pass  # which removes what dead runs left
    entries = sorted(_entries(cache))
    size = sum(entry[1] for entry in entries)
    oldest = None if older_than is None else time.time() - older_than * _DAY
    removed = freed = 0
    for used, entry_size, path in entries:
        too_old = oldest is not None and used < oldest
        if not too_old and (max_size is None or size <= max_size):
            continue
        _remove(cache, path)
        removed, freed, size = removed + 1, freed + entry_size, size - entry_size
    for note in _dangling_notes(cache):
        _remove(cache, note)
    return Pruned(removed, freed, len(entries) - removed, size)


def _entries(cache: Cache) -> Iterator[tuple[float, int, Path]]:
    """When it was used, how large it is, and where."""
    for kind in ("sha512", "tree"):
        for name in _names(cache, kind):
            path = cache.directory / kind / name
            try:
                status = path.stat(follow_symlinks=False)
                size, used = status.st_size, max(status.st_atime, status.st_mtime)
                if path.is_dir() and not path.is_symlink():
                    below = [entry.stat(follow_symlinks=False) for entry in walk(path)]
                    size = sum(item.st_size for item in below)
                    used = max([used, *(item.st_atime for item in below)])
            except FileNotFoundError:
                continue  # another run was faster
            except OSError as error:
                raise unreadable(cache.directory, error) from error
            yield used, size, path


def _dangling_notes(cache: Cache) -> Iterator[Path]:
    """Notes about what is not in the cache."""
    for note, integrity in _notes(cache):
        if integrity is not None and not (
            cache.has_tree(integrity) if integrity.algorithm == "sha256" else cache.has(integrity)
        ):
            yield note


def _wrong_notes(cache: Cache) -> Iterator[Path]:
    """Notes that nobody can read, and aliases of what has another hash."""
    for note, integrity in _notes(cache):
        if integrity is None:
            yield note
        elif note.parent.parent.name == "alias" and cache.has(integrity):
            named = _integrity(note.parent.name, note.name)
            if named is None or cache.find([named]) != integrity:
                yield note


def _notes(cache: Cache) -> Iterator[tuple[Path, Integrity | None]]:
    """Each note, and what it leads to; None where it cannot be read."""
    from npm2nixlite.files import parse_json

    for kind in ("alias", "record", "revision"):
        root = cache.directory / kind
        if not root.is_dir():
            continue
        for entry in list(walk(root)):
            if entry.is_dir(follow_symlinks=False):
                if kind == "revision" or Path(entry.path).parent != root:
                    yield Path(entry.path), None
                continue
            try:
                text = read_file(entry.path, 1 << 16).decode()
                if kind != "alias":
                    fields = parse_json(text)
                    text = fields["narHash" if kind == "revision" else "sha512"]
                (integrity,) = parse_integrity(text)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError, InputError):
                yield Path(entry.path), None
            else:
                yield Path(entry.path), integrity


def _names(cache: Cache, kind: str) -> list[str]:
    try:
        return sorted(os.listdir(cache.directory / kind))  # noqa: PTH208
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(cache.directory, error) from error


def _integrity(algorithm: str, name: str) -> Integrity | None:
    """The hash that a file is named by."""
    try:
        digest = bytes.fromhex(name)
    except ValueError:
        return None
    good = len(digest) == hashlib.new(algorithm, usedforsecurity=False).digest_size
    return Integrity.of(algorithm, digest) if good and digest.hex() == name else None


def _remove(cache: Cache, path: Path) -> None:
    try:
        remove_tree(path)
    except OSError as error:
        raise unwritable(cache.directory, error) from error
