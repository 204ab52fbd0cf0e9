"""Reading NARs in such a way that a wrong one is never read to its end."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from npm2nixlite.store.fixed_file import FixedFile, wrong_bytes
from npm2nixlite.store.nar import file_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from npm2nixlite.errors import Npm2nixliteError

__all__ = ["CHUNK", "StreamedNar", "verified_nar"]

CHUNK = 1 << 18
"""Bytes read at a time."""


def verified_nar(file: FixedFile, size: int) -> Iterator[bytes]:
    """The pieces of a file's NAR; the last one comes only if the file has its hash.

    Args:
        file: The file; nobody may execute it.
        size: Its size in bytes.

    Raises:
        FetchError: The bytes do not have the hash, or are not ``size`` many.
        OSError: The file cannot be read.
    """
    head, tail = file_frame(size)
    content = hashlib.new(file.integrity.algorithm, usedforsecurity=False)
    left = size
    yield head
    with file.path.open("rb", buffering=0) as source:
        while chunk := source.read(CHUNK):
            content.update(chunk)
            left -= len(chunk)
            yield chunk
    if left or content.digest() != file.integrity.digest:
        raise wrong_bytes(file)
    yield tail


@dataclass(frozen=True, slots=True)
class StreamedNar:
    """A NAR whose hash is known, made anew for each attempt to send it.

    Attributes:
        pieces: Makes it; may raise our own errors.
        size: Its size in bytes.
        nar_hash: The sha256 digest it has to have.
        wrong: The error for one that has another.
    """

    pieces: Callable[[], Iterator[bytes]]
    size: int
    nar_hash: bytes
    wrong: Callable[[], Npm2nixliteError]

    def open(self) -> BinaryIO:
        """A new reader of the NAR; it raises in place of a wrong NAR's last bytes."""
        return io.BufferedReader(_NarReader(self), CHUNK)


class _NarReader(io.RawIOBase):
    """Reads from start to end, and can be rewound.

    Clients of S3 read a body twice, to sign and to send it, and seek to its end for its size.
    """

    def __init__(self, nar: StreamedNar) -> None:
        super().__init__()
        self._nar = nar
        self._position = 0
        self._pieces = nar.pieces()
        self._ready = memoryview(b"")
        self._digest = hashlib.sha256()
        self._hashed = 0
        self._given = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._nar.size}
        self._position = base[whence] + offset
        if self._position == 0:
            self._rewind()
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if self._position == self._nar.size:
            return 0
        if self._position != self._given:
            raise io.UnsupportedOperation("a NAR is verified, so it is read from its start")
        if not self._ready:
            self._ready = memoryview(self._next())
        piece = self._ready[: len(buffer)]
        buffer[: len(piece)] = piece
        self._ready = self._ready[len(piece) :]
        self._given += len(piece)
        self._position = self._given
        return len(piece)

    def _rewind(self) -> None:
        self._pieces = self._nar.pieces()
        self._ready = memoryview(b"")
        self._digest = hashlib.sha256()
        self._hashed = 0
        self._given = 0

    def _next(self) -> bytes:
        """The next piece; the last one only where all of them have the hash."""
        piece = next(filter(None, self._pieces), b"")
        self._digest.update(piece)
        self._hashed += len(piece)
        if not piece or self._hashed > self._nar.size:
            raise self._nar.wrong()
        if self._hashed == self._nar.size and self._digest.digest() != self._nar.nar_hash:
            raise self._nar.wrong()
        return piece

    def close(self) -> None:
        self._pieces = iter(())
        super().close()
