"""NAR, Nix's archive format: names, contents, executable bits and symlinks, nothing else.

Everything is a string of bytes, written as its length (64 bits, little-endian), itself, and zeros
up to a multiple of eight. The grammar is in the Nix manual's "Nix Archive (NAR) Format".
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["dump", "file_frame", "file_nar_size"]

_CHUNK = 1 << 18


def file_frame(size: int, *, executable: bool = False) -> tuple[bytes, bytes]:
    """What stands before and after the bytes of a regular file in its NAR.

    Args:
        size: The file's size in bytes.
        executable: Whether its owner may execute it.
    """
    head = _MAGIC + _file_head(size, executable=executable)
    return head, _padding(size) + _CLOSE


def file_nar_size(size: int, *, executable: bool = False) -> int:
    """The size of a regular file's NAR, from the file's own size, both in bytes."""
    head, tail = file_frame(size, executable=executable)
    return len(head) + size + len(tail)


def dump(root: Path) -> Iterator[bytes]:
    """Write the NAR of a file, symlink or directory tree, in pieces.

    Memory stays flat whatever the sizes; only the names below open directories are held.

    Raises:
        InputError: Something in the tree is no file, symlink or directory (a socket, say), or a
            file changed its size while it was read.
        OSError: Something cannot be read.
    """
    yield _MAGIC
    pending: list[bytes | Path] = [root]  # a stack of its own: trees nest deeper than Python calls
    while pending:
        item = pending.pop()
        if isinstance(item, bytes):
            yield item
            continue
        status = item.lstat()
        if stat.S_ISREG(status.st_mode):
            yield from _file(item)
        elif stat.S_ISLNK(status.st_mode):
            yield _SYMLINK + _string(os.fsencode(item.readlink())) + _CLOSE
        elif stat.S_ISDIR(status.st_mode):
            yield _DIRECTORY
            pending.append(_CLOSE)
            for name, child in sorted(_children(item), reverse=True):
                pending += (_CLOSE, child, _entry(name))
        else:
            raise InputError(
                "neither a file, a symlink nor a directory",
                where=str(item),
                hint="a NAR can hold nothing else; remove it",
            )


def _children(directory: Path) -> Iterator[tuple[bytes, Path]]:
    return ((os.fsencode(child.name), child) for child in directory.iterdir())


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        size = status.st_size
        yield _file_head(size, executable=bool(status.st_mode & stat.S_IXUSR))
        left = size
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            yield chunk
    if left:
        raise InputError("the file changed while it was read", where=str(path), hint="try again")
    yield _padding(size) + _CLOSE


def _padding(size: int) -> bytes:
    return bytes(-size % 8)


def _length(size: int) -> bytes:
    return size.to_bytes(8, "little")


def _string(text: bytes) -> bytes:
    return _length(len(text)) + text + _padding(len(text))


def _strings(*texts: bytes) -> bytes:
    return b"".join(map(_string, texts))


def _entry(name: bytes) -> bytes:
    return _strings(b"entry", b"(", b"name", name, b"node")


def _file_head(size: int, *, executable: bool) -> bytes:
    return (_EXECUTABLE if executable else _FILE) + _length(size)


_MAGIC = _string(b"nix-archive-1")
_CLOSE = _string(b")")
_FILE = _strings(b"(", b"type", b"regular", b"contents")
_EXECUTABLE = _strings(b"(", b"type", b"regular", b"executable", b"", b"contents")
_SYMLINK = _strings(b"(", b"type", b"symlink", b"target")
_DIRECTORY = _strings(b"(", b"type", b"directory")
