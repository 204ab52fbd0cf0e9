"""Reading npm tarballs: entries and bodies, in order, in bounded memory.

A reader of its own because `tarfile` costs more for each entry than writing the file does, and
because npm reads tar in its own way. It mirrors node-tar's ``header``, ``pax`` and ``parse``;
where node-tar would warn and carry on over damage, this raises.
"""

from __future__ import annotations

import re
import zlib
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

__all__ = ["Archive", "BadTarballError", "Entry", "Kind"]

BLOCK = 512
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
_USTAR = b"ustar\x0000"
_OCTAL = re.compile(rb"\s*([0-7]+)")

Piece: TypeAlias = bytes | memoryview


class BadTarballError(Exception):
    """The tarball is damaged, or asks for something no package may have."""


class Kind(Enum):
    """What an entry would become on disk; `OTHER` is what node-tar skips in silence."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    DEVICE = "device"
    OTHER = "other"


_KINDS = {  # all others are about the entries that follow
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"5": Kind.DIRECTORY,
    b"D": Kind.DIRECTORY,
    b"1": Kind.LINK,
    b"2": Kind.LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"6": Kind.DEVICE,
}


class Entry(NamedTuple):
    """One file system entry of a tarball; a tuple, which is made in a third of the time.

    Attributes:
        path: As the archive has it; unchecked.
        kind: What it is.
        mode: Permission bits as the archive has them; 0 where it has none.
        size: Bytes of its body.
    """

    path: str
    kind: Kind
    mode: int
    size: int


class Archive:
    """A tar archive, gzipped or not.

    Args:
        file: Open for reading bytes, at its start.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._bytes = _Window(file)
        self._body = 0

    def entries(self) -> Iterator[Entry]:
        """The entries in order; a body may be read only before the next entry is asked for.

        Raises:
            BadTarballError: The archive is damaged or cut short.
        """
        window = self._bytes
        pax: dict[str, str] = {}
        everywhere: dict[str, str] = {}
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
            # adler32 adds bytes up modulo a prime in its lower half, twenty times as fast as `sum`
            if zlib.adler32(block) & 0xFFFF != _adler(block[148:156]):
                raise BadTarballError(
                    "it is neither a gzip nor a tar archive"
                    if first
                    else "an entry's header is damaged (checksum)"
                )
            first = False
            code = block[156:157]
            kind = _KINDS.get(code)
            if kind is not None:
                entry = _entry(block, kind, pax, everywhere)
                pax = {}
                self._body = entry.size
                yield entry
                continue
            self._body = _number(block[124:136], "size") or 0
            if code == b"g":
                everywhere = {**everywhere, **_records(self._text())}
            else:
                pax = self._meant_for_next(code, pax)
        self._skip_body()
        window.finish()
        if first:
            raise BadTarballError("it holds no entry")

    def body(self) -> Iterable[Piece]:
        """The current entry's bytes, in pieces of at most `WINDOW`.

        A piece is a view of memory that is used again: it holds until the next one is asked for.
        """
        size, self._body = self._body, 0
        whole = self._bytes.whole(size, -size % BLOCK)
        return (whole,) if whole is not None else self._bytes.pieces(size, -size % BLOCK)

    def _meant_for_next(self, code: bytes, pax: dict[str, str]) -> dict[str, str]:
        """What this entry, which is no file, says about the next one."""
        if code == b"x":
            return {**pax, **_records(self._text())}
        if code in b"LN":
            return {**pax, "path": self._text().partition("\0")[0]}
        return pax if code == b"K" else {}

    def _text(self) -> str:
        """The body of a header that describes others; empty where it is absurdly long."""
        if self._body > MAX_META:
            return ""
        return b"".join(self.body()).decode("utf-8", "replace")

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
                    return b""  # zlib in Node.js ignores garbage behind the last member
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

    def _more(self) -> bytes:
        data = self._file.read(READ)
        self._read += len(data)
        return data


def _entry(block: bytes, kind: Kind, pax: dict[str, str], everywhere: dict[str, str]) -> Entry:
    path = pax.get("path") or _path(block)
    if not path:
        raise BadTarballError("an entry has no name")
    code = block[156]
    if path[-1] == "/" and code in b"0\0":
        kind = Kind.DIRECTORY
    size = mode = None
    if pax or everywhere:
        size = _decimal(pax.get("size") or everywhere.get("size"))
        mode = _decimal(pax.get("mode") or everywhere.get("mode"))
    if kind is Kind.DIRECTORY and code != 0x44:  # "D"
        size = 0  # some writers put the directory's own size here; there is no body
    elif size is None:
        size = _number(block[124:136], "size")
    if mode is None:
        mode = _few(block[100:108], "mode")
    return Entry(path, kind, mode or 0, size or 0)


def _path(block: bytes) -> str:
    path = block[:100].partition(b"\0")[0].decode("utf-8", "replace")
    if block[345] == 0 or block[257:265] != _USTAR:
        return path
    # xstar keeps times behind a prefix of 130 bytes; a prefix longer than that fills byte 475
    prefix = block[345:500] if block[475] else block[345:475]
    return f"{prefix.partition(bytes(1))[0].decode('utf-8', 'replace')}/{path}"


def _number(field: bytes, name: str) -> int | None:
    if field[0] & 0x80:
        value = int.from_bytes(field[1:], "big")
        if field[0] != 0x80 or value > (1 << 53) - 1:
            raise BadTarballError(f"an entry has an impossible {name}")
        return value
    text = field.partition(b"\0")[0]
    try:
        return int(text, 8)
    except ValueError:
        match = _OCTAL.match(text)
        return int(match[1], 8) if match else None


_few = lru_cache(maxsize=256)(_number)
"""The same, for a field of which an archive has few values."""


@lru_cache(maxsize=4096)
def _adler(field: bytes) -> int:
    """The lower half of the adler32 of a header with this checksum field; -1 where it has none.

    A checksum is counted with spaces in its own place.
    """
    stated = _number(field, "checksum")
    return -1 if stated is None else (1 + stated - 8 * ord(" ") + sum(field)) % 65521


def _decimal(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _records(text: str) -> dict[str, str]:
    """A pax header's records, a line each; what does not fit its length is ignored."""
    found: dict[str, str] = {}
    for line in text.removesuffix("\n").split("\n"):
        length, space, record = line.partition(" ")
        if not space or not length.isdigit() or int(length) != len(line.encode()) + 1:
            continue
        key, _, value = record.partition("=")
        if key:
            found[key] = value.partition("\0")[0]
    return found
