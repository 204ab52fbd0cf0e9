"""NARs, ready to be sent: verified, hashed, compressed where wished, in flat memory."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from npm2nixlite.binarycache.compression import Compression, compressor
from npm2nixlite.binarycache.verified import CHUNK, StreamedNar, verified_nar
from npm2nixlite.errors import BuildError, FetchError, InputError
from npm2nixlite.store import base32
from npm2nixlite.store.fixed_file import FixedFile, wrong_bytes
from npm2nixlite.store.nar import dump, file_frame, file_nar_size
from npm2nixlite.store.valid_path import ValidPath, wrong_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from npm2nixlite.binarycache.backend import Body

__all__ = ["Packed", "is_quick", "nar_sha256", "nar_size", "pack"]

# Bytes; files up to here are read once, and sent from memory. Hashing one takes 2 ms at most, for
# which an event loop is better kept waiting than a thread woken up.
_SMALL = 1 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    """A NAR that is what it ought to be, or is found out not to be while it is read.

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


def is_quick(item: FixedFile | ValidPath, compression: Compression = Compression.NONE) -> bool:
    """Whether hashing and packing takes less time than handing it to another thread does."""
    if isinstance(item, ValidPath) or item.recursive:
        return False
    try:
        return compression is Compression.NONE and item.path.stat().st_size <= _SMALL
    except OSError:
        return True  # packing tells what is wrong


def pack(
    item: FixedFile | ValidPath,
    compression: Compression,
    scratch: Path,
    level: int | None = None,
) -> Packed:
    """Make the NAR of a file, or of a store path, and make sure that it is what it ought to be.

    What is small is read once and held; what is large is read again when it is sent, and verified
    then; what is large and compressed lies in ``scratch`` meanwhile, and so does a fixed tree.

    Args:
        item: The file or the store path.
        compression: How to compress its NAR.
        scratch: A directory that is there as long as the result is used.
        level: How hard to compress; None for what is usual.

    Raises:
        FetchError: A file cannot be read, or its bytes do not have its hash.
        BuildError: A store path cannot be read, or is not what its store says; or ``scratch``
            cannot be written.
        InputError: The compression's library is not installed.
    """
    how = _How(compression, level, scratch)
    if isinstance(item, ValidPath):
        return _pack_valid_path(item, how)
    with _reading(item):
        if item.recursive:
            packed = _pack_spooled(item.integrity.hex, dump(item.path), how, 1 << 30)
            if packed.nar_hash != item.integrity.digest:
                raise wrong_bytes(item)
            return packed
        size = item.path.stat().st_size
        if size <= _SMALL:
            return _pack_small(_small_nar(item), how)
        if compression is Compression.NONE:
            return _pack_streamed(item, size)
        return _pack_spooled(item.integrity.hex, verified_nar(item, size), how, size)


@dataclass(frozen=True, slots=True)
class _How:
    compression: Compression
    level: int | None
    scratch: Path


def _pack_valid_path(item: ValidPath, how: _How) -> Packed:
    if item.nar_size > _SMALL and how.compression is Compression.NONE:
        body = StreamedNar(
            lambda: _files_of(item), item.nar_size, item.nar_hash, lambda: wrong_files(item)
        )
        size = item.nar_size
        return Packed(item.nar_hash, size, Compression.NONE, item.nar_hash, size, body)
    if item.nar_size <= _SMALL:
        packed = _pack_small(b"".join(_files_of(item)), how)
    else:
        packed = _pack_spooled(item.store_path.digest, _files_of(item), how, item.nar_size)
    if packed.nar_hash != item.nar_hash:
        raise wrong_files(item)
    return packed


def _files_of(item: ValidPath) -> Iterator[bytes]:
    try:
        yield from dump(item.path)
    except (OSError, InputError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.what
        raise BuildError(
            f"the files of {item.store_path} cannot be read: {reason}",
            where=str(item.path),
            hint="the store's files have to be on this machine, and whole",
        ) from error


def _small_nar(file: FixedFile) -> bytes:
    content = file.path.read_bytes()
    found = hashlib.new(file.integrity.algorithm, content, usedforsecurity=False).digest()
    if found != file.integrity.digest:
        raise wrong_bytes(file)
    head, tail = file_frame(len(content))
    return head + content + tail


def _pack_small(nar: bytes, how: _How) -> Packed:
    nar_hash = hashlib.sha256(nar).digest()
    if how.compression is Compression.NONE:
        return Packed(nar_hash, len(nar), how.compression, nar_hash, len(nar), nar)
    made = compressor(how.compression, len(nar), how.level)
    body = made.compress(nar) + made.flush()
    file_hash = hashlib.sha256(body).digest()
    return Packed(nar_hash, len(nar), how.compression, file_hash, len(body), body)


def _pack_streamed(file: FixedFile, size: int) -> Packed:
    digest = hashlib.sha256()
    for piece in verified_nar(file, size):
        digest.update(piece)
    nar_hash, whole = digest.digest(), file_nar_size(size)
    body = StreamedNar(lambda: verified_nar(file, size), whole, nar_hash, lambda: wrong_bytes(file))
    return Packed(nar_hash, whole, Compression.NONE, nar_hash, whole, body)


def _pack_spooled(name: str, pieces: Iterable[bytes], how: _How, size: int) -> Packed:
    made = compressor(how.compression, size, how.level)
    nar, packed, nar_size, packed_size = hashlib.sha256(), hashlib.sha256(), 0, 0
    spool = how.scratch / name
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
                    f"what is compressed has no room: {error.strerror or error}",
                    where=str(spool),
                    hint="set TMPDIR to a larger place, or use no compression",
                ) from error

        for piece in pieces:
            nar.update(piece)
            nar_size += len(piece)
            write(made.compress(piece))
        write(made.flush())
    body = _Spooled(spool, packed_size)
    return Packed(
        nar.digest(), nar_size, how.compression, packed.digest(), packed_size, body, spool
    )


@dataclass(frozen=True, slots=True)
class _Spooled:
    path: Path
    size: int

    def open(self) -> BinaryIO:
        return self.path.open("rb")


@contextmanager
def _reading(file: FixedFile) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise FetchError("the file is gone", where=str(file.path), hint="fetch it again") from None
    except OSError as error:
        raise FetchError(
            f"cannot be read: {error.strerror or error}", where=str(file.path)
        ) from error
