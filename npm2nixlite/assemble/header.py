"""What one block of a tar archive says: names, numbers, checksum, and pax records.

It mirrors node-tar's ``header``, ``large-numbers`` and ``pax``, down to how JavaScript reads a
number. A field that node-tar cannot read makes it skip the header and take the body for headers;
such a field is an error here.
"""

from __future__ import annotations

import re
import zlib
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "BLOCK",
    "KINDS",
    "NO_PAX",
    "ArchiveEntry",
    "BadTarballError",
    "Kind",
    "Pax",
    "check",
    "cut",
    "describing",
    "entry",
    "number",
]

BLOCK = 512

_USTAR = b"ustar\x0000"
_NOTHING = bytes(131)
_SAFE = (1 << 53) - 1
"""The largest integer that JavaScript holds exactly."""
_OCTAL = re.compile(rb"[ \t\n\v\f\r]*\+?([0-7]+)")
_NEGATIVE = re.compile(rb"[ \t\n\v\f\r]*-[0-7]")
_LINE_ENDS = frozenset("\n\r\u2028\u2029")
# What its parseInt takes, white space included.
_LENGTH = re.compile(
    "[\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*"
    "\\+?0*([0-9]{1,8})(?![0-9])"
)


class BadTarballError(Exception):
    """The tarball is damaged, or asks for something no package may have."""


class Kind(Enum):
    """What an entry would become on disk."""

    FILE = "file"
    CONTIGUOUS = "contiguous file"
    """A file that replaces one of the same name, where a `FILE` rewrites it."""
    DIRECTORY = "directory"
    LINK = "link"
    DEVICE = "device"


KINDS = {  # all others are about the entries that follow, or nothing npm knows
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.CONTIGUOUS,
    b"5": Kind.DIRECTORY,
    b"D": Kind.DIRECTORY,
    b"1": Kind.LINK,
    b"2": Kind.LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"6": Kind.DEVICE,
}


class ArchiveEntry(NamedTuple):
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


class Pax(NamedTuple):
    """What headers say of the entries that follow; None where they say nothing.

    npm passes over a pax header's mode.

    Attributes:
        path: In the place of the header's.
        linkpath: A link's target.
        size: In the place of the header's.
    """

    path: str | None = None
    linkpath: str | None = None
    size: int | None = None

    def with_records(self, text: str) -> Pax:
        """With a pax header's records, a line each; what does not fit its length is ignored.

        Raises:
            BadTarballError: A size is no plain number.
        """
        path, linkpath, size = self
        for line in text.removesuffix("\n").split("\n"):
            match = _LENGTH.match(line)
            if match is None or int(match[1]) != len(line.encode()) + 1:
                continue
            # node-tar drops as many characters as the number has without leading zeros, and one
            key, _, value = line[len(match[1]) + 1 :].partition("=")
            if key == "path":
                path = cut(value)
            elif key == "linkpath":
                linkpath = cut(value)
            elif key == "size":
                size = _size(cut(value))
        return Pax(path, linkpath, size)


NO_PAX = Pax()


def cut(text: str) -> str:
    """A text field up to its first NUL.

    Raises:
        BadTarballError: A line ends behind the NUL: there, node-tar would go on reading.
    """
    kept, _, rest = text.partition("\0")
    if rest and not _LINE_ENDS.isdisjoint(rest):
        raise BadTarballError("a text goes on behind its end")
    return kept


def check(block: bytes, *, first: bool) -> None:
    """Check a header: its sum, and what all kinds of headers have.

    Raises:
        BadTarballError: node-tar would not take it for a header.
    """
    if block.isascii():
        # adler32 has a sum of bytes in its lower half, twenty times as fast as `sum`; modulo a
        # prime that 512 bytes of ASCII do not reach
        good = zlib.adler32(block) & 0xFFFF == _expected(block[148:160])
    else:
        good = sum(block) + 1 == _expected(block[148:160])
    if not good:
        raise BadTarballError(
            "it is neither a gzip nor a tar archive"
            if first
            else "an entry's header is damaged (checksum)"
        )
    if not block.isascii():
        _check_numbers(block)


def entry(block: bytes, kind: Kind, pax: Pax, everywhere: Pax) -> ArchiveEntry:
    """The entry that a header describes.

    Args:
        block: The header, checked.
        kind: By its type.
        pax: What was said of this entry.
        everywhere: What was said of all entries.

    Raises:
        BadTarballError: A field is impossible.
    """
    code = block[156]
    name = _name(block) if pax.path is None else pax.path
    path = name if pax.path is not None else _prefixed(block, name)
    if not path:
        raise BadTarballError("an entry has no name")
    _check_link(block, path, kind, pax, everywhere)
    if path[-1] == "/" and code in b"0\0":
        if name[-1:] != "/":
            raise BadTarballError(f"{path!r} is a file and ends like a directory")
        kind = Kind.DIRECTORY
    if kind is Kind.DIRECTORY and code != 0x44:  # "D"
        size = 0  # some writers put the directory's own size here; there is no body
    elif pax.size is not None:
        size = pax.size
    elif everywhere.size is not None:
        size = everywhere.size
    else:
        size = number(block[124:136], "size")
    return ArchiveEntry(path, kind, _few(block[100:108], "mode"), size)


def describing(block: bytes) -> int:
    """The body's size of a header that is no entry.

    Raises:
        BadTarballError: A field is impossible.
    """
    if not _prefixed(block, _name(block)):
        raise BadTarballError("an entry has no name")
    if block[156] not in b"xg" and _link(block):
        raise BadTarballError("an entry has a link's target, and is none")
    return number(block[124:136], "size")


def number(field: bytes, name: str) -> int:
    """A number that is not negative: octal digits, or 256-based; 0 where there is none.

    Raises:
        BadTarballError: JavaScript cannot hold it, or it is negative.
    """
    text = field.rstrip(b" \0")
    if text.isdigit():
        try:
            return int(text, 8)
        except ValueError:
            pass  # an 8 or a 9 ends the number
    if field[0] & 0x80:
        value = _large(field)
        if value is None or value < 0:
            raise BadTarballError(f"an entry has an impossible {name}")
        return value
    text = field.partition(b"\0")[0]
    if _NEGATIVE.match(text):
        raise BadTarballError(f"an entry has an impossible {name}")
    match = _OCTAL.match(text)
    return int(match[1], 8) if match else 0


_few = lru_cache(maxsize=256)(number)
"""The same, for a field of which an archive has few values."""


def _check_link(block: bytes, path: str, kind: Kind, pax: Pax, everywhere: Pax) -> None:
    """Check what is said of a link's target."""
    if kind is Kind.LINK:
        if not _link(block):
            raise BadTarballError(f"{path!r} is a link to nothing")
        return
    # npm drops some of those, and waits for itself for ever with others
    if pax.linkpath or everywhere.linkpath or (block[157:257] != _NOTHING[:100] and _link(block)):
        raise BadTarballError(f"{path!r} has a link's target, and is none")


@lru_cache(maxsize=4096)
def _expected(field: bytes) -> int:
    """One more than the sum of all bytes of a header with this checksum field.

    A checksum is counted with spaces in its own place. node-tar reads it from twelve bytes, though
    it has eight: digits without an end go on into what follows.
    """
    if field[0] & 0x80:
        return -1
    match = _OCTAL.match(field.partition(b"\0")[0])
    return -1 if match is None else 1 + int(match[1], 8) - 8 * ord(" ") + sum(field[:8])


def _check_numbers(block: bytes) -> None:
    """Check numbers that are not used: node-tar takes no header in which it cannot read one."""
    fields = [(100, 8), (108, 8), (116, 8), (124, 12), (136, 12)]
    if block[257:265] == _USTAR:
        fields += [(329, 8), (337, 8)]
        if block[475] == 0:
            fields += [(476, 12), (488, 12)]
    for start, size in fields:
        field = block[start : start + size]
        if field[0] & 0x80 and _large(field) is None:
            raise BadTarballError("an entry's header is damaged (number)")


def _large(field: bytes) -> int | None:
    """A 256-based number; None where node-tar takes none."""
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
    elif field[0] == 0xFF:
        value = int.from_bytes(field, "big", signed=True)
    else:
        return None
    return value if abs(value) <= _SAFE else None


def _size(text: str) -> int:
    # JavaScript's Number() takes "", "1e3", "0x10" and "1.5", too; no writer writes these
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise BadTarballError("a pax header has an impossible size")
    return int(text)


def _text(field: bytes) -> str:
    kept, _, rest = field.partition(b"\0")
    if rest.strip(b"\0"):
        cut(field.decode("utf-8", "replace"))
    return kept.decode("utf-8", "replace")


def _name(block: bytes) -> str:
    return _text(block[:100])


def _link(block: bytes) -> str:
    return _text(block[157:257])


def _prefixed(block: bytes, name: str) -> str:
    if block[345:476] == _NOTHING or block[257:265] != _USTAR:
        return name
    # xstar keeps times behind a prefix of 130 bytes; a prefix longer than that fills byte 475
    if block[475]:
        return f"{_text(block[345:500])}/{name}"
    prefix = _text(block[345:475])
    return f"{prefix}/{name}" if prefix else name
