"""Reading a file as its NAR, in such a way that a wrong one is never read to its end."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from npm2nixlite.store.fixed_file import FixedFile, wrong_bytes
from npm2nixlite.store.nar import file_frame, file_nar_size

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """The NAR of a file that was verified once, and may have changed since.

    Attributes:
        file: The file.
        content_size: Its size in bytes.
        nar_hash: The sha256 digest its NAR had.
    """

    file: FixedFile
    content_size: int
    nar_hash: bytes

    @property
    def size(self) -> int:
        """The NAR's size in bytes."""
        return file_nar_size(self.content_size)

    def open(self) -> BinaryIO:
        """A new reader of the NAR; it raises `FetchError` in place of a wrong NAR's last bytes."""
        return io.BufferedReader(_NarReader(self), CHUNK)


class _NarReader(io.RawIOBase):
    """Reads from start to end, and can be rewound.

    Clients of S3 read a body twice, to sign and to send it, and seek to its end for its size.
    """

    def __init__(self, nar: StreamedNar) -> None:
        super().__init__()
        self._nar = nar
        self._head, self._tail = file_frame(nar.content_size)
        self._source = nar.file.path.open("rb", buffering=0)
        self._position = 0
        self._hashed = 0
        self._digest = hashlib.sha256()

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
            self._source.seek(0)
            self._hashed = 0
            self._digest = hashlib.sha256()
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if self._position == self._nar.size:
            return 0
        if self._position != self._hashed:
            raise io.UnsupportedOperation("a NAR is verified, so it is read from its start")
        piece = self._next(len(buffer))
        self._digest.update(piece)
        self._position += len(piece)
        self._hashed = self._position
        if self._hashed == self._nar.size and self._digest.digest() != self._nar.nar_hash:
            raise wrong_bytes(self._nar.file)
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self, most: int) -> bytes:
        start = len(self._head)
        end = start + self._nar.content_size
        if self._position < start:
            return self._head[self._position :][:most]
        if self._position >= end:
            return self._tail[self._position - end :][:most]
        piece = self._source.read(min(most, end - self._position))
        if not piece:
            raise wrong_bytes(self._nar.file)
        return piece

    def close(self) -> None:
        self._source.close()
        super().close()
