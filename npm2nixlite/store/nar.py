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
    """Write the NAR of a file, symlink or directory tree, in pieces of 256 KiB or a little more.

    Memory stays flat whatever the sizes; only the names below open directories are held.

    Raises:
        InputError: Something in the tree is no file, symlink or directory (a socket, say), or a
            file changed its size while it was read.
        OSError: Something cannot be read.
    """
    held: list[bytes] = []
    size = 0
    for piece in _pieces(os.fsencode(root)):
        held.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(held)
            held.clear()
            size = 0
    yield b"".join(held)


def _pieces(root: bytes) -> Iterator[bytes]:
    """The same, in pieces as they come: most of them are tiny."""
    yield _MAGIC
    mode = os.lstat(root).st_mode
    if not stat.S_ISDIR(mode):
        yield from _leaf(root, mode)
        return
    yield _DIRECTORY
    opened = [_children(root)]  # a stack of its own: trees nest deeper than Python calls
    while opened:
        entry = next(opened[-1], None)
        if entry is None:
            opened.pop()
            yield _CLOSE + _CLOSE if opened else _CLOSE  # the directory, and the entry that it is
        elif entry.is_dir(follow_symlinks=False):
            yield _entry(entry.name) + _DIRECTORY
            opened.append(_children(entry.path))
        else:
            yield _entry(entry.name)
            yield from _leaf(entry.path, _type(entry))
            yield _CLOSE


def _leaf(path: bytes, mode: int) -> Iterator[bytes]:
    """A file, or a symlink."""
    if stat.S_ISREG(mode):
        yield from _file(path)
    elif stat.S_ISLNK(mode):
        yield _SYMLINK + _string(os.readlink(path)) + _CLOSE  # noqa: PTH115 (bytes)
    else:
        raise InputError(
            "neither a file, a symlink nor a directory",
            where=os.fsdecode(path),
            hint="a NAR can hold nothing else; remove it",
        )


def _children(directory: bytes) -> Iterator[os.DirEntry[bytes]]:
    with os.scandir(directory) as entries:
        return iter(sorted(entries, key=lambda entry: entry.name))


def _type(entry: os.DirEntry[bytes]) -> int:
    """The file's type, mostly without asking for it again."""
    if entry.is_symlink():
        return stat.S_IFLNK
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    return entry.stat(follow_symlinks=False).st_mode


def _file(path: bytes) -> Iterator[bytes]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        status = os.fstat(file)
        size = status.st_size
        yield _file_head(size, executable=bool(status.st_mode & stat.S_IXUSR))
        left = size
        while chunk := os.read(file, min(left, _CHUNK - 1) + 1):
            left -= len(chunk)
            if left < 0:
                break
            yield chunk
            if left == 0 and size < _CHUNK:
                break  # what grows meanwhile is found out by the hash
    finally:
        os.close(file)
    if left:
        raise InputError(
            "the file changed while it was read", where=os.fsdecode(path), hint="try again"
        )
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
