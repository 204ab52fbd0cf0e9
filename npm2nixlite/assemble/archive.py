"""Reading npm tarballs: entries and bodies, in order, in bounded memory.

A reader of its own because `tarfile` costs more for each entry than writing the file does, and
because npm reads tar in its own way. It mirrors node-tar's ``header``, ``pax`` and ``parse``
(`npm2nixlite.assemble.header` has the fields). Where node-tar would warn and carry on over damage,
this raises: it reads an archive as npm does, or not at all. ``tests/fuzz`` compares the two.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeAlias

from npm2nixlite.assemble.header import (
    BLOCK,
    KINDS,
    NO_PAX,
    ArchiveEntry,
    BadTarballError,
    Kind,
    check,
    cut,
    describing,
    entry,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

__all__ = ["Archive", "ArchiveEntry", "BadTarballError", "Kind"]

READ = 64 << 10
"""Bytes of the file that are inflated at once: what becomes of them stays in the processor's cache,
and in memory that the allocator uses again, until it is written."""
WINDOW = 1 << 20
"""Most bytes of one archive that are in memory at once."""
MAX_META = 1 << 20
"""Longest pax header or long name; node-tar skips what is longer."""
MAX_RATIO = 1000
"""Inflated over deflated bytes, beyond which node-tar suspects a bomb."""

_GZIP = b"\x1f\x8b"

Piece: TypeAlias = bytes | memoryview


class Archive:
    """A tar archive, gzipped or not.

    Args:
        file: Open for reading bytes, at its start.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._bytes = _Window(file)
        self._body = 0
        self._pax = self._everywhere = NO_PAX
        self._empty = True

    def entries(self) -> Iterator[ArchiveEntry]:
        """The entries in order; a body may be read only before the next entry is asked for.

        Raises:
            BadTarballError: The archive is damaged or cut short.
        """
        window = self._bytes
        first = True
        zeros = 0
        while zeros < 2:  # node-tar ends at two empty blocks, and ignores what follows
            if self._body:
                self._skip_body()
            block = window.header()
            if block is None:
                break
            if block[0] == 0 and not block.strip(b"\0"):
                zeros += 1
                continue
            zeros = 0
            check(block, first=first)
            first = False
            kind = KINDS.get(block[156:157])
            if kind is None:
                self._read_description(block)
                continue
            found = entry(block, kind, self._pax, self._everywhere)
            self._pax = NO_PAX
            self._empty = False
            self._body = found.size
            yield found
        self._skip_body()
        window.finish()
        if self._empty:
            raise BadTarballError("it holds no entry")

    def body(self) -> Iterable[Piece]:
        """The current entry's bytes, in pieces of at most `WINDOW`.

        A piece is a view of memory that is used again: it holds until the next one is asked for.
        """
        size = self._body
        whole = self._bytes.whole(size, -size % BLOCK)
        if whole is None:
            return self._pieces(size)  # not yet read: it may be left where it is
        self._body = 0
        return (whole,)

    def _pieces(self, size: int) -> Iterator[memoryview]:
        self._body = 0
        yield from self._bytes.pieces(size, -size % BLOCK)

    def _read_description(self, block: bytes) -> None:
        """Read a header about entries that follow; one that npm does not know is passed over."""
        self._body = describing(block)
        code = block[156:157]
        if code not in b"xXgLNK":
            self._empty = False
            self._pax = NO_PAX
            return
        if self._pax.size is not None or self._everywhere.size is not None:
            raise BadTarballError("a header that gives a size stands before another header")
        if not 0 < self._body <= MAX_META:
            return
        self._empty = False
        text = b"".join(self.body()).decode("utf-8", "replace")
        if code == b"g":
            self._everywhere = self._everywhere.with_records(text)
        elif code in b"xX":
            self._pax = self._pax.with_records(text)
        elif code == b"K":
            self._pax = self._pax._replace(linkpath=cut(text))
        else:
            self._pax = self._pax._replace(path=cut(text))

    def _skip_body(self) -> None:
        for _ in self.body():
            pass


class _Window:
    """The archive's inflated bytes, a window at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = file.read(READ)
        gzipped = self._pending.startswith(_GZIP)
        self._inflater = zlib.decompressobj(31) if gzipped else None
        self._read = len(self._pending)
        self._inflated = 0
        self._data = b""
        self._view = memoryview(b"")
        self._at = 0

    def header(self) -> bytes | None:
        """The next block, or None at the end of the archive."""
        start = self._at
        end = start + BLOCK
        if end <= len(self._data):
            self._at = end
            return self._data[start:end]
        if start == len(self._data) and not self._refill():
            return None
        return b"".join(self.pieces(BLOCK, 0))

    def whole(self, size: int, padding: int) -> memoryview | None:
        """A body that is in the window as a whole, its padding passed over; None where not."""
        start = self._at
        end = start + size
        if end + padding > len(self._data):
            return None
        self._at = end + padding
        return self._view[start:end]

    def pieces(self, size: int, padding: int) -> Iterator[memoryview]:
        """A body as it comes, its padding passed over."""
        while size:
            piece = self._take(size)
            size -= len(piece)
            yield piece
        while padding:
            padding -= len(self._take(padding))

    def finish(self) -> None:
        """Read what is left, so that a cut or damaged end does not pass for a whole one."""
        while self._inflater is not None and self._refill():
            pass

    def _take(self, size: int) -> memoryview:
        """At least one byte and at most ``size``."""
        if self._at == len(self._data) and not self._refill():
            raise BadTarballError("it is cut short")
        start = self._at
        self._at = min(start + size, len(self._data))
        return self._view[start : self._at]

    def _refill(self) -> bool:
        self._at = 0
        self._data = self._next()
        self._view = memoryview(self._data)
        return bool(self._data)

    def _next(self) -> bytes:
        if self._inflater is None:
            data, self._pending = self._pending, self._file.read(READ)
            return data
        while True:
            if self._inflater.eof:
                rest = self._inflater.unused_data or self._more()
                if not rest.startswith(_GZIP):
                    return self._padding(rest)
                self._inflater, self._pending = zlib.decompressobj(31), rest
            if not self._pending:
                self._pending = self._more()
            try:
                data = self._inflater.decompress(self._pending, WINDOW)
            except zlib.error as error:
                raise BadTarballError(f"its gzip stream is damaged ({error})") from error
            starved = not self._pending
            self._pending = self._inflater.unconsumed_tail
            if data:
                self._inflated += len(data)
                if self._inflated > MAX_RATIO * self._read:
                    raise BadTarballError(f"it inflates to more than {MAX_RATIO} times its size")
                return data
            if starved and not self._inflater.eof:
                raise BadTarballError("it is cut short: the gzip stream has no end")

    def _padding(self, rest: bytes) -> bytes:
        """What stands behind the last member; zlib in Node.js takes zeros there, no garbage."""
        while rest:
            if rest.strip(b"\0"):
                raise BadTarballError("garbage follows its gzip stream")
            rest = self._more()
        return b""

    def _more(self) -> bytes:
        data = self._file.read(READ)
        self._read += len(data)
        return data
