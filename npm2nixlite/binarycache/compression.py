"""How NARs are compressed, on as many cores as there are."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Compression", "Compressor", "compressor", "require", "suffix_of", "zstandard_library"]

_SUFFIXES = {
    "none": ".nar",
    "zstd": ".nar.zst",
    "xz": ".nar.xz",
    "bzip2": ".nar.bz2",
    "br": ".nar.br",
    "gzip": ".nar.gz",
    "lzip": ".nar.lzip",
    "lz4": ".nar.lz4",
}
_XZ_BLOCK = 24 << 20  # bytes; three times the window of level 6, as xz itself splits its input
_ZSTD_THREADS_FROM = 8 << 20  # bytes; below, more threads than one have nothing to do


class Compression(StrEnum):
    """How a NAR is compressed, as narinfos name it; tarballs gain nothing from any."""

    NONE = "none"
    ZSTD = "zstd"
    XZ = "xz"

    @property
    def suffix(self) -> str:
        """What a NAR's file name ends with."""
        return _SUFFIXES[self]

    @property
    def levels(self) -> range:
        """The levels there are."""
        return {"none": range(0), "zstd": range(1, 23), "xz": range(10)}[self]


def suffix_of(compression: str) -> str | None:
    """What the file name of a NAR ends with that is compressed like this; None where unknown."""
    return _SUFFIXES.get(compression)


class Compressor(Protocol):
    """Takes bytes, and gives fewer of them, sooner or later."""

    def compress(self, piece: bytes, /) -> bytes:
        """Take a piece; returns what is ready."""

    def flush(self) -> bytes:
        """Returns the rest."""


def require(compression: Compression, level: int | None = None) -> None:
    """Make sure that a compression can be had.

    Raises:
        InputError: Its library is not installed, or it has no such level.
    """
    if level is not None and level not in compression.levels:
        levels = compression.levels
        known = f"it has {levels[0]} to {levels[-1]}" if levels else "it has none"
        raise InputError(f"there is no level {level} of compression {compression}", hint=known)
    if compression is Compression.ZSTD:
        zstandard_library()


def compressor(compression: Compression, size: int, level: int | None = None) -> Compressor:
    """A compressor.

    Args:
        compression: Which one.
        size: How many bytes it will get.
        level: How hard it tries; None for its own default.

    Raises:
        InputError: Its library is not installed.
    """
    match compression:
        case Compression.NONE:
            return _Copy()
        case Compression.XZ:
            return _ParallelXz(level) if size > _XZ_BLOCK else _xz(level)
        case Compression.ZSTD:
            return _zstd(size, level)


class _Copy:
    def compress(self, piece: bytes) -> bytes:
        return piece

    def flush(self) -> bytes:
        return b""


def _zstd(size: int, level: int | None) -> Compressor:
    library = zstandard_library()
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    workers = threads if size >= _ZSTD_THREADS_FROM and threads > 1 else 0
    made: Compressor = library.ZstdCompressor(
        level=3 if level is None else level, threads=workers
    ).compressobj()
    return made


def _xz(level: int | None) -> Compressor:
    import lzma

    return lzma.LZMACompressor(preset=level)


class _ParallelXz:
    """Blocks, each a stream of its own: they are one file to all that reads xz, Nix included."""

    def __init__(self, level: int | None) -> None:
        self._level = level
        self._cores = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._cores, thread_name_prefix="xz")
        self._block = bytearray()
        self._running: deque[Future[bytes]] = deque()

    def compress(self, piece: bytes) -> bytes:
        self._block += piece
        if len(self._block) < _XZ_BLOCK:
            return b""
        self._start()
        return self._running.popleft().result() if len(self._running) > self._cores else b""

    def flush(self) -> bytes:
        if self._block:
            self._start()
        done = b"".join(future.result() for future in self._running)
        self._pool.shutdown()
        return done

    def _start(self) -> None:
        import lzma

        block, self._block = bytes(self._block), bytearray()
        self._running.append(self._pool.submit(lzma.compress, block, preset=self._level))


def zstandard_library() -> ModuleType:
    """The library for zstd, which is loaded where it is needed.

    Raises:
        InputError: It is not installed.
    """
    try:
        import zstandard
    except ImportError:
        raise InputError(
            "zstd compression needs the Python package 'zstandard'",
            hint="install it: pip install 'npm2nixlite[push]', or use no compression",
        ) from None
    return zstandard
