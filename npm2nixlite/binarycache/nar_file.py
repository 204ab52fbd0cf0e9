"""Whether the file that a narinfo names is in the cache, and may be what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npm2nixlite.binarycache.compression import suffix_of
from npm2nixlite.errors import InputError
from npm2nixlite.store import base32

if TYPE_CHECKING:
    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.store.narinfo import NarInfo

__all__ = ["contradiction", "nar_fault"]

_DIGEST_LENGTH = 52  # of a sha256, in Nix's base 32
_KNOWN_SUFFIXES = (".nar", ".nar.zst", ".nar.xz", ".nar.bz2", ".nar.br", ".nar.gz", ".nar.lz4")


async def nar_fault(backend: Backend, info: NarInfo) -> str:
    """What is wrong with a narinfo's NAR, as far as its name and its size tell; empty for nothing.

    Raises:
        BuildError: The cache cannot be asked.
    """
    fault = contradiction(info)
    if fault:
        return fault
    found = await backend.stat(info.url)
    if found is None:
        return f"its NAR is missing: {info.url}"
    expected = expected_size(info)
    if None not in (found.size, expected) and found.size != expected:
        return f"its NAR has {found.size} bytes, not {expected}"
    return ""


def expected_size(info: NarInfo) -> int | None:
    """The size in bytes that the file at the narinfo's address must have, where it tells."""
    if info.file_size is not None:
        return info.file_size
    return info.nar_size if info.compression == "none" else None


def contradiction(info: NarInfo) -> str:
    """Where a narinfo says two things of its NAR that cannot both be true; empty for nowhere."""
    name = info.url.partition("?")[0].rpartition("/")[2]
    stem, dot, ending = name.partition(".")
    suffix = suffix_of(info.compression)
    if suffix is not None and dot + ending in _KNOWN_SUFFIXES and dot + ending != suffix:
        return f"its NAR's name is {name}, but its compression is {info.compression}"
    if info.compression == "none":
        if info.file_size not in (None, info.nar_size):
            return "its NAR is not compressed, but has two sizes"
        if info.file_hash not in (None, info.nar_hash):
            return "its NAR is not compressed, but has two hashes"
    named = _digest(stem)
    if named and info.file_hash is not None and named not in (info.file_hash, info.nar_hash):
        return f"its NAR's name is that of another: {name}"
    return ""


def _digest(stem: str) -> bytes | None:
    """The hash that a file is named by; most caches name NARs so."""
    if len(stem) != _DIGEST_LENGTH:
        return None
    try:
        return base32.decode(stem)
    except InputError:
        return None
