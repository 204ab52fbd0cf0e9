"""Directory trees: their hash, a clean copy, and what a build left, made safe to serve."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from typing import TYPE_CHECKING

from npm2nixlite import files
from npm2nixlite.errors import BuildError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["copy_tree", "give_to", "make_read_only", "remove_tree", "tree_hash"]

_ATTEMPTS = 50  # to remove a tree in which a dying process may still be writing
_PAUSE = 0.1  # seconds between them


def tree_hash(root: Path, left_out: Collection[str] = ()) -> str:
    """The hash of names, contents, executable bits and symlinks, in base 16.

    Args:
        root: A directory.
        left_out: Names of the top level that do not count.

    Raises:
        InputError: It is no directory, cannot be read, or holds something that is no file.
    """
    digest = hashlib.sha256()
    try:
        for name, status in _walk(root, left_out):
            kind, content = _describe(root / name, status)
            for part in (kind, os.fsencode(name), content):
                digest.update(len(part).to_bytes(8, "little"))
                digest.update(part)
    except OSError as error:
        raise _unreadable(root, error) from error
    return digest.hexdigest()


def copy_tree(source: Path, target: Path, left_out: Collection[str] = ()) -> None:
    """Copy a tree into an empty directory: files 0644 or 0755, private ones 0600 or 0700.

    Raises:
        InputError: The source holds something that is no file.
        OSError: It cannot be read, or the target not be written.
    """
    for name, status in _walk(source, left_out):
        place = target / name
        if stat.S_ISDIR(status.st_mode):
            place.mkdir(mode=0o755)
        elif stat.S_ISLNK(status.st_mode):
            place.symlink_to((source / name).readlink())
        elif stat.S_ISREG(status.st_mode):
            place.touch(mode=0o600)
            shutil.copyfile(source / name, place)
            mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            place.chmod(mode & 0o700 if _is_private(status) else mode)
        else:
            raise _no_file(source / name)


def give_to(root: Path, uid: int) -> None:
    """Make a user, and the group of the same number, owner of a tree; no symlink is followed."""
    os.lchown(root, uid, uid)
    for name, _ in _walk(root):
        os.lchown(root / name, uid, uid)


def remove_private(source: Path, output: Path, build: Path, left_out: Collection[str] = ()) -> None:
    """Remove from a build's output the source's files that only their owner may read.

    Args:
        source: The project's directory.
        output: The result to be; it lies in ``build``.
        build: Where the source was copied to.
        left_out: Names of the source's top level that were not copied.

    Raises:
        OSError: One cannot be removed.
    """
    for name, status in _walk(source, left_out):
        if not stat.S_ISREG(status.st_mode) or not _is_private(status):
            continue
        # The build may have put a symlink where a directory was: what it leads to is not removed.
        place = build.resolve() / name
        if place.is_relative_to(output) and place.parent.resolve() == place.parent:
            place.unlink(missing_ok=True)


def make_read_only(root: Path) -> list[tuple[str, int]]:
    """Take over what a build left: owned by this user, writable by nobody else, no setuid bits.

    Returns:
        Each file and symlink below, with its size in bytes.

    Raises:
        BuildError: The build left a device, a pipe, a socket, or a symlink that leads out.
    """
    files = []
    owner, group = os.geteuid(), os.getegid()
    top = os.path.realpath(root)
    for name, status in [(".", root.lstat()), *_walk(root)]:
        path = root / name
        if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            files.append((name, status.st_size))
            if stat.S_ISLNK(status.st_mode):
                _check_link(top, name)
        elif not stat.S_ISDIR(status.st_mode):
            raise BuildError(
                "the build left something that is neither file, directory nor symlink",
                where=name,
                hint="let the build script remove it",
            )
        os.lchown(path, owner, group)
        if not stat.S_ISLNK(status.st_mode):
            path.chmod(stat.S_IMODE(status.st_mode) & 0o755 | stat.S_IRUSR | stat.S_IWUSR)
    return files


def _is_private(status: os.stat_result) -> bool:
    return not status.st_mode & (stat.S_IRGRP | stat.S_IROTH)


def _check_link(top: str, name: str) -> None:
    """Refuse a symlink that is absolute, or leads out by any number of other symlinks."""
    target = os.readlink(f"{top}/{name}")  # noqa: PTH115 (realpath below takes text, too)
    found = os.path.realpath(f"{top}/{name}")
    if target.startswith("/") or not (found == top or found.startswith(f"{top}/")):
        raise BuildError(
            f"the build left a symlink that leads out of the result: {target}",
            where=name,
            hint="let the build script remove it, or copy what it leads to",
        )


def remove_tree(root: Path) -> None:
    """Remove a tree, or a file, where it is there.

    Raises:
        OSError: It cannot be removed.
    """
    for attempt in range(_ATTEMPTS):
        try:
            files.remove_tree(root)
        except OSError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _walk(root: Path, left_out: Collection[str] = ()) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry below, a directory before what is in it, in an order of its own."""
    pending = [""]
    while pending:
        directory = pending.pop()
        with os.scandir(root / directory) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
        for entry in entries:
            if not directory and entry.name in left_out:
                continue
            name = f"{directory}/{entry.name}" if directory else entry.name
            status = entry.stat(follow_symlinks=False)
            yield name, status
            if stat.S_ISDIR(status.st_mode):
                pending.append(name)


def _describe(path: Path, status: os.stat_result) -> tuple[bytes, bytes]:
    if stat.S_ISDIR(status.st_mode):
        return b"directory", b""
    if stat.S_ISLNK(status.st_mode):
        return b"link", os.fsencode(path.readlink())
    if not stat.S_ISREG(status.st_mode):
        raise _no_file(path)
    kind = b"program" if status.st_mode & stat.S_IXUSR else b"file"
    with path.open("rb") as file:
        return kind, hashlib.file_digest(file, "sha256").digest()


def _no_file(path: Path) -> InputError:
    return InputError(
        "neither file, directory nor symlink", where=str(path), hint="remove it from the source"
    )


def _unreadable(root: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot be read: {error.strerror or error}",
        where=str(error.filename or root),
        hint="name the project's directory",
    )
