"""A file's NAR, ready to be sent: verified, hashed, compressed where wished, in flat memory."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Protocol

from npm2nixlite.binarycache.verified import CHUNK, StreamedNar, verified_nar
from npm2nixlite.errors import BuildError, FetchError, InputError
from npm2nixlite.store import base32
from npm2nixlite.store.fixed_file import FixedFile, wrong_bytes
from npm2nixlite.store.nar import dump, file_frame, file_nar_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Body

__all__ = ["Compression", "Packed", "is_quick", "nar_sha256", "nar_size", "pack", "require"]

# Bytes; files up to here are read once, and sent from memory. Hashing one takes 2 ms at most, for
# which an event loop is better kept waiting than a thread woken up.
_SMALL = 1 << 20


class Compression(StrEnum):
    """How a NAR is compressed, as narinfos name it; tarballs gain nothing from any."""

    NONE = "none"
    ZSTD = "zstd"
    XZ = "xz"

    @property
    def suffix(self) -> str:
        """What a NAR's file name ends with."""
        return {"none": ".nar", "zstd": ".nar.zst", "xz": ".nar.xz"}[self]


@dataclass(frozen=True, slots=True)
class Packed:
    """A verified file's NAR.

    Attributes:
        nar_hash: Its sha256 digest.
        nar_size: Its size in bytes.
        compression: How ``body`` is compressed.
        file_hash: The sha256 digest of ``body``.
        file_size: Its size in bytes.
        body: What to send.
        spool: The file ``body`` is in meanwhile, if it is in one of its own.
    """

    nar_hash: bytes
    nar_size: int
    compression: Compression
    file_hash: bytes
    file_size: int
    body: Body
    spool: Path | None = None

    @property
    def key(self) -> str:
        """Where it goes in a cache: by its own hash, so nothing else ever goes there."""
        return f"nar/{base32.encode(self.file_hash)}{self.compression.suffix}"

    def discard(self) -> None:
        """Remove what lies on the disk only to be sent."""
        if self.spool is not None:
            self.spool.unlink(missing_ok=True)


def require(compression: Compression) -> None:
    """Make sure that a compression can be had.

    Raises:
        InputError: Its library is not installed.
    """
    _compressor(compression)


def nar_size(file: FixedFile) -> int:
    """The size of the file's NAR in bytes.

    Raises:
        FetchError: The file is not there.
    """
    with _reading(file):
        if file.recursive:
            return sum(map(len, dump(file.path)))
        return file_nar_size(file.path.stat().st_size)


def nar_sha256(file: FixedFile) -> bytes:
    """The sha256 digest of the file's NAR, whether or not the file is what it ought to be.

    Raises:
        FetchError: The file cannot be read.
    """
    if file.recursive:
        whole = hashlib.sha256()
        with _reading(file):
            for piece in dump(file.path):
                whole.update(piece)
        return whole.digest()
    with _reading(file), file.path.open("rb", buffering=0) as source:
        head, tail = file_frame(os.fstat(source.fileno()).st_size)
        digest = hashlib.sha256(head)
        while chunk := source.read(CHUNK):
            digest.update(chunk)
        digest.update(tail)
    return digest.digest()


def is_quick(file: FixedFile, compression: Compression = Compression.NONE) -> bool:
    """Whether hashing and packing takes less time than handing it to another thread does."""
    if file.recursive:
        return False
    try:
        return compression is Compression.NONE and file.path.stat().st_size <= _SMALL
    except OSError:
        return True  # packing tells what is wrong


def pack(file: FixedFile, compression: Compression, scratch: Path) -> Packed:
    """Make a file's NAR, after making sure that its bytes have the hash they ought to have.

    What is small is read once and held; what is large is read again when it is sent, and verified
    again then; what is large and compressed lies in ``scratch`` meanwhile, and so does a tree.

    Args:
        file: The file.
        compression: How to compress its NAR.
        scratch: A directory that is there as long as the result is used.

    Raises:
        FetchError: The file cannot be read, or its bytes do not have its hash.
        BuildError: ``scratch`` cannot be written.
        InputError: The compression's library is not installed.
    """
    with _reading(file):
        if file.recursive:
            packed = _pack_spooled(file, dump(file.path), compression, scratch)
            if packed.nar_hash != file.integrity.digest:
                raise wrong_bytes(file)
            return packed
        size = file.path.stat().st_size
        if size <= _SMALL:
            return _pack_small(file, compression)
        if compression is Compression.NONE:
            return _pack_streamed(file, size)
        return _pack_spooled(file, verified_nar(file, size), compression, scratch)


def _pack_small(file: FixedFile, compression: Compression) -> Packed:
    content = file.path.read_bytes()
    found = hashlib.new(file.integrity.algorithm, content, usedforsecurity=False).digest()
    if found != file.integrity.digest:
        raise wrong_bytes(file)
    head, tail = file_frame(len(content))
    nar = head + content + tail
    nar_hash = hashlib.sha256(nar).digest()
    if compression is Compression.NONE:
        return Packed(nar_hash, len(nar), compression, nar_hash, len(nar), nar)
    compressor = _compressor(compression, len(nar))
    body = compressor.compress(nar) + compressor.flush()
    file_hash = hashlib.sha256(body).digest()
    return Packed(nar_hash, len(nar), compression, file_hash, len(body), body)


def _pack_streamed(file: FixedFile, size: int) -> Packed:
    digest = hashlib.sha256()
    for piece in verified_nar(file, size):
        digest.update(piece)
    nar_hash = digest.digest()
    body = StreamedNar(file, size, nar_hash)
    return Packed(nar_hash, body.size, Compression.NONE, nar_hash, body.size, body)


def _pack_spooled(
    file: FixedFile, pieces: Iterable[bytes], compression: Compression, scratch: Path
) -> Packed:
    compressor = _compressor(compression)
    nar, packed, nar_size, packed_size = hashlib.sha256(), hashlib.sha256(), 0, 0
    spool = scratch / file.integrity.hex
    with spool.open("wb", buffering=0) as out:

        def write(piece: bytes) -> None:
            nonlocal packed_size
            packed.update(piece)
            packed_size += len(piece)
            try:
                while piece:
                    piece = piece[out.write(piece) :]
            except OSError as error:
                raise BuildError(
                    f"what is compressed has no room: {error.strerror}",
                    where=str(spool),
                    hint="set TMPDIR to a larger place, or use no compression",
                ) from error

        for piece in pieces:
            nar.update(piece)
            nar_size += len(piece)
            write(compressor.compress(piece))
        write(compressor.flush())
    body = _Spooled(spool, packed_size)
    return Packed(nar.digest(), nar_size, compression, packed.digest(), packed_size, body, spool)


@dataclass(frozen=True, slots=True)
class _Spooled:
    path: Path
    size: int

    def open(self) -> BinaryIO:
        return self.path.open("rb")


class _Compressor(Protocol):
    def compress(self, piece: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _NoCompressor:
    def compress(self, piece: bytes) -> bytes:
        return piece

    def flush(self) -> bytes:
        return b""


def _compressor(compression: Compression, size: int = -1) -> _Compressor:
    if compression is Compression.NONE:
        return _NoCompressor()
    if compression is Compression.XZ:
        import lzma

        return lzma.LZMACompressor()
    try:
        import zstandard
    except ImportError:
        raise InputError(
            "zstd compression needs the Python package 'zstandard'",
            hint="install it: pip install 'npm2nixlite[push]', or use no compression",
        ) from None
    return zstandard.ZstdCompressor().compressobj(size)


@contextmanager
def _reading(file: FixedFile) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise FetchError("the file is gone", where=str(file.path), hint="fetch it again") from None
    except OSError as error:
        raise FetchError(f"cannot be read: {error.strerror}", where=str(file.path)) from error
