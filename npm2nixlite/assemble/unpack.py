"""Unpacking one tarball at its install path, by the rules of npm's ``pacote``.

Nothing of a tarball is trusted: no entry leaves the package's directory, no link is made, and what
npm would skip with a warning (devices, ``..``, absolute paths, damage) is an error here.
"""

from __future__ import annotations

import os
import re
from stat import S_ISDIR
from typing import TYPE_CHECKING

from npm2nixlite.assemble.archive import Archive, BadTarballError, Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["unpack"]

FILE_BITS = 0o666
DIRECTORY_MODE = 0o777
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_REWRITE = os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def unpack(tarball: Path, directory: str, nested: frozenset[str] = frozenset()) -> None:
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
    target = _Target(directory)
    with tarball.open("rb", buffering=0) as file:
        archive = Archive(file)
        ignores: set[str] = set()
        directories: set[str] = set()
        for entry in archive.entries():
            if entry.kind is Kind.DEVICE:
                raise BadTarballError(f"{entry.path!r} is a device or a pipe")
            if entry.kind not in (Kind.FILE, Kind.DIRECTORY):
                continue  # npm takes neither links nor directories, only files and those they need
            parts = _parts(entry, ignores)
            if parts is None or (nested and _within(parts, nested)):
                continue
            try:
                if entry.kind is Kind.DIRECTORY:
                    directories.add("/".join(parts))
                else:
                    target.file(parts, entry.mode, archive.body())
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise BadTarballError(
                    f"{entry.path!r} is a file in one entry and a directory in another"
                ) from error
            except (OSError, ValueError) as error:
                raise BadTarballError(f"{entry.path!r} cannot be written: {error}") from error
    for path in directories:
        if os.path.isfile(f"{directory}/{path}"):
            raise BadTarballError(f"{path!r} is a file in one entry and a directory in another")


def _parts(entry: Entry, ignores: set[str]) -> list[str] | None:
    """The entry's path below the package; None where npm leaves the entry out."""
    path = entry.path
    if "\n" in path:
        raise BadTarballError(f"{path!r} has a newline in its name")
    if path.startswith(("/", "\\")) or _DRIVE.match(path):
        raise BadTarballError(f"{path!r} is an absolute path")
    if ".." in path and ".." in path.replace("\\", "/").split("/"):
        raise BadTarballError(f"{path!r} leads out of the package")
    if entry.kind is Kind.FILE:
        # `npm pack` once packed .gitignore in place of a missing .npmignore: pacote renames it
        # back, unless an .npmignore came before
        folder, slash, name = path.rpartition("/")
        if name == ".npmignore":
            ignores.add(path)
        elif name == ".gitignore":
            path = f"{folder}{slash}.npmignore"
            if path in ignores:
                return None
    parts = [part for part in path.split("/")[1:] if part and part != "."]
    if not parts and entry.kind is Kind.FILE:
        return None
    return parts


def _within(parts: list[str], nested: frozenset[str]) -> bool:
    path = ""
    for part in parts:
        path = f"{path}/{part}" if path else part
        if path in nested:
            return True
    return False


class _Target:
    """A package's directory on disk, which remembers the directories it has made."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._made = {""}

    def directory(self, parts: list[str]) -> str:
        """Make a directory and those above it; returns its path."""
        relative = "/".join(parts)
        path = f"{self._root}/{relative}" if relative else self._root
        if relative not in self._made:
            self.directory(parts[:-1])
            try:
                os.mkdir(path, DIRECTORY_MODE)
            except FileExistsError:
                if not S_ISDIR(os.lstat(path).st_mode):
                    raise
            self._made.add(relative)
        return path

    def file(self, parts: list[str], mode: int, body: Iterator[bytes]) -> None:
        """Write a file; one of the same name is rewritten and keeps its mode, as with npm."""
        path = f"{self.directory(parts[:-1])}/{parts[-1]}"
        # owner, group and others always read and write, then the umask has its say; bits beyond
        # the nine are not for a store
        permissions = (mode | FILE_BITS) & 0o777
        try:
            descriptor = os.open(path, _CREATE, permissions)
        except FileExistsError:
            descriptor = os.open(path, _REWRITE)
        try:
            for piece in body:
                written = os.write(descriptor, piece)
                while written < len(piece):
                    written += os.write(descriptor, piece[written:])
        finally:
            os.close(descriptor)
