"""Reading NARs of other compressions than one's own: what ``cache-check`` needs."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Protocol

from npm2nixlite.binarycache.compression import zstandard_library
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decompressor", "starts_right"]


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, piece: bytes, /) -> bytes: ...


_STARTS = {
    "none": b"\x0d\0\0\0\0\0\0\0nix-archive-1",
    "zstd": b"\x28\xb5\x2f\xfd",
    "xz": b"\xfd7zXZ\0",
    "bzip2": b"BZh",
    "gzip": b"\x1f\x8b",
}


def starts_right(compression: str, piece: bytes) -> bool:
    """Whether a file may be compressed as it ought to be, of its first bytes."""
    start = _STARTS.get(compression, b"")
    return piece[: len(start)] == start[: len(piece)]


def decompressor(compression: str) -> Callable[[bytes], bytes]:
    """A function from pieces of a file to those of the NAR; it raises `ValueError` where it cannot.

    Raises:
        InputError: The compression is not known here, or its library is not installed.
    """
    match compression:
        case "none":
            return bytes
        case "zstd":
            return _zstd()
        case "xz":
            return _members(lzma.LZMADecompressor)
        case "bzip2":
            return _members(bz2.BZ2Decompressor)
        case "gzip":
            return _members(lambda: zlib.decompressobj(wbits=31))
        case _:
            raise InputError(
                f"NARs with compression {compression} cannot be read here",
                hint="check it without --deep",
            )


def _zstd() -> Callable[[bytes], bytes]:
    library = zstandard_library()
    unzip = library.ZstdDecompressor().decompressobj(read_across_frames=True)

    def feed(piece: bytes) -> bytes:
        try:
            return bytes(unzip.decompress(piece))
        except library.ZstdError as error:
            raise ValueError(str(error)) from error

    return feed


def _members(
    make: Callable[[], _Decompressor],
) -> Callable[[bytes], bytes]:
    """Streams one after the other, which together are one file."""
    current = make()

    def feed(piece: bytes) -> bytes:
        nonlocal current
        done = bytearray()
        try:
            while piece:
                if current.eof:
                    current = make()
                done += current.decompress(piece)
                piece = current.unused_data
        except (lzma.LZMAError, zlib.error, OSError, EOFError) as error:
            raise ValueError(str(error)) from error
        return bytes(done)

    return feed
