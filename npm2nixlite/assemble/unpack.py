"""Unpacking one tarball at its install path, by the rules of npm's ``pacote``.

Nothing of a tarball is trusted: no entry leaves the package's directory, no link is made, and what
npm would skip with a warning (devices, ``..``, absolute paths, damage) is an error here.
"""

from __future__ import annotations

import os
import re
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING

from npm2nixlite.assemble.archive import Archive
from npm2nixlite.assemble.header import ArchiveEntry, BadTarballError, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from npm2nixlite.assemble.archive import Piece

__all__ = ["unpack"]

FILE_BITS = 0o666
DIRECTORY_MODE = 0o777
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_REWRITE = os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_DRIVE = re.compile(r"[A-Za-z]:")
_LARGEST_VARIABLE = "NPM2NIXLITE_MAX_UNPACKED_SIZE"
_LARGEST = 16_000_000_000  # bytes
_MOST_PARTS = 1024
"""Components of a path, beyond which node-tar drops the entry."""


def unpack(tarball: Path | str, directory: str, nested: frozenset[str] = frozenset()) -> None:
    """Unpack ``tarball`` into ``directory``, which need not exist.

    Args:
        tarball: A package as ``npm pack`` makes it: its first path component is dropped.
        directory: Where to.
        nested: Install paths below ``directory``, relative to it, that other tarballs fill: what
            this tarball has there gives way, as it does when npm unpacks them in turn.

    Raises:
        BadTarballError: The tarball is damaged or unsafe; nothing was written outside
            ``directory``.
    """
    os.makedirs(directory, exist_ok=True)
    root = os.open(directory, _DIRECTORY)
    try:
        with open(tarball, "rb", buffering=0) as file:
            _fill(_Target(root, nested), Archive(file))
    finally:
        os.close(root)


def _fill(target: _Target, archive: Archive) -> None:
    left = largest = _largest()
    for entry in archive.entries():
        left -= entry.size
        if left < 0:
            raise BadTarballError(
                f"it unpacks to more than {largest:,} bytes; {_LARGEST_VARIABLE} says how many"
            )
        try:
            if entry.kind is Kind.FILE or entry.kind is Kind.CONTIGUOUS:
                target.file(entry, archive.body())
            elif entry.kind is Kind.DIRECTORY:
                target.directory(entry)
            elif entry.kind is Kind.DEVICE:
                raise BadTarballError(f"{entry.path!r} is a device or a pipe")
            # npm takes no links from a tarball
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise _both_kinds(entry.path) from error
        except (OSError, ValueError) as error:
            raise BadTarballError(f"{entry.path!r} cannot be written: {error}") from error
    target.finish()


def _largest() -> int:
    """Bytes that one tarball may unpack to: a bomb of many small files is one, too."""
    text = os.environ.get(_LARGEST_VARIABLE, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else _LARGEST


class _Target:
    """A package's directory on disk, and what is known about it.

    Args:
        root: The directory, open: what is made in it is named from there, which spares the kernel
            the way down to it for each file.
        nested: See `unpack`.
    """

    def __init__(self, root: int, nested: frozenset[str]) -> None:
        self._root = root
        self._nested = nested
        self._made = {""}
        self._folders: dict[str, str | None] = {}
        self._ignores: set[str] = set()
        self._announced: set[str] = set()

    def file(self, entry: ArchiveEntry, body: Iterable[Piece]) -> None:
        """Write a file; one of the same name is rewritten and keeps its mode, as with npm."""
        path = entry.path
        if ":" in path or "\\" in path:
            path = _without_roots(path)
        folder, _, name = path.rpartition("/")
        if not folder or name in ("", ".", "..") or "\n" in name or "\\" in name:
            _check(path)
        if not folder:
            return  # it would stand in the place of the package's directory
        if name in ("", "."):
            raise BadTarballError(f"{path!r} is a file and ends like a directory")
        if name == ".npmignore":
            self._ignores.add(folder)
        elif name == ".gitignore":
            # `npm pack` once packed .gitignore in place of a missing .npmignore: pacote renames it
            # back, unless an .npmignore came before
            if folder in self._ignores:
                return
            name = ".npmignore"
        if folder not in self._folders:
            self._folders[folder] = self._folder(folder)
        place = self._folders[folder]
        if place is not None:
            self._write(place + name, entry, body)

    def directory(self, entry: ArchiveEntry) -> None:
        """Take note of a directory: npm makes those only that its files need."""
        _check(entry.path)
        self._announced.add("/".join(_parts(entry.path)))

    def finish(self) -> None:
        """Look whether a directory that was announced became a file."""
        for path in self._announced:
            if path and S_ISREG(self._mode(path)):
                raise _both_kinds(path)

    def _folder(self, folder: str) -> str | None:
        """Make a directory; what goes before its files' names, or None where others fill it."""
        _check(f"{folder}/")
        parts = _parts(folder)
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        if not self._nested.isdisjoint(above):
            return None
        for path in above:
            if path not in self._made:
                self._make(path)
                self._made.add(path)
        return "/".join([*parts, ""])

    def _make(self, path: str) -> None:
        try:
            os.mkdir(path, DIRECTORY_MODE, dir_fd=self._root)
        except FileExistsError:
            if not S_ISDIR(self._mode(path)):
                raise

    def _mode(self, path: str) -> int:
        """What stands there; 0 where nothing does."""
        try:
            return os.stat(path, dir_fd=self._root, follow_symlinks=False).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def _write(self, path: str, entry: ArchiveEntry, body: Iterable[Piece]) -> None:
        # owner, group and others always read and write, then the umask has its say; bits beyond
        # the nine are not for a store
        permissions = (entry.mode | FILE_BITS) & 0o777
        try:
            descriptor = os.open(path, _CREATE, permissions, dir_fd=self._root)
        except FileExistsError:
            if entry.kind is Kind.CONTIGUOUS:
                os.unlink(path, dir_fd=self._root)
                descriptor = os.open(path, _CREATE, permissions, dir_fd=self._root)
            else:
                descriptor = os.open(path, _REWRITE, dir_fd=self._root)
        try:
            for piece in body:
                written = os.write(descriptor, piece)
                while written < len(piece):
                    written += os.write(descriptor, piece[written:])
        finally:
            os.close(descriptor)


def _parts(path: str) -> list[str]:
    """A path of the archive as one of the package: the first component dropped."""
    return [part for part in path.split("/")[1:] if part not in ("", ".")]


def _without_roots(path: str) -> str:
    """A path without what Windows takes for a root, behind the component that is dropped.

    ``package/C:/x`` and ``package/a:b`` are ``x`` and ``b`` to npm, on all systems.
    """
    if path.count("/") > _MOST_PARTS:
        raise _too_deep(path)
    first, slash, rest = path.partition("/")
    if _DRIVE.match(first):
        raise BadTarballError(f"{path!r} is an absolute path")
    while True:
        if rest.startswith(("\\\\", "\\/", "//?/")):
            raise BadTarballError(f"{path!r} is an absolute path")  # of another machine, to Windows
        if rest.startswith(("/", "\\")):
            rest = rest[1:]
        elif _DRIVE.match(rest):
            rest = rest[2:]
        else:
            return f"{first}{slash}{rest}"


def _check(path: str) -> None:
    if path.count("/") > _MOST_PARTS:
        raise _too_deep(path)
    if "\n" in path:
        raise BadTarballError(f"{path!r} has a newline in its name")
    if path.startswith(("/", "\\")):
        raise BadTarballError(f"{path!r} is an absolute path")
    if ".." in path.replace("\\", "/").split("/"):
        raise BadTarballError(f"{path!r} leads out of the package")


def _too_deep(path: str) -> BadTarballError:
    return BadTarballError(f"{path[:80]!r}… has more than {_MOST_PARTS} components")


def _both_kinds(path: str) -> BadTarballError:
    return BadTarballError(f"{path!r} is a file in one entry and a directory in another")
