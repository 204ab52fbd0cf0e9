"""Files and trees that others made: endless, no files at all, as deep as they like.

Standard library only.
"""

from __future__ import annotations

import itertools
import json
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = [
    "home_path",
    "open_file",
    "parse_json",
    "read_file",
    "reason",
    "remove_tree",
    "scratch_directory",
    "walk",
]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_file(path: Path | str, largest: int) -> bytes:
    """The bytes of a file that may be anything.

    Waits for nobody: a FIFO is refused, and so is a device without an end.

    Args:
        path: A file, or a device such as ``/dev/null``.
        largest: Bytes it may have.

    Raises:
        OSError: It cannot be read, or is a directory.
        ValueError: It is larger, or neither a file nor a device; or its name has a NUL.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
            raise ValueError("it is no regular file")
        content = file.read(largest + 1)
    if content is None:
        raise ValueError("the device has nothing to read")
    if len(content) > largest:
        raise ValueError(f"it has more than {largest:,} bytes")
    return content


def open_file(path: Path | str) -> BinaryIO:
    """A regular file, open for reading; nothing else is, and nobody is waited for.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no regular file.
    """
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb")  # noqa: SIM115 (handed over)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("it is no regular file")
    return file


def parse_json(content: str | bytes) -> Any:  # noqa: ANN401 (whoever asks looks what it is)
    """What a JSON text says.

    Raises:
        ValueError: It is none, is not UTF-8, or is nested deeper than Python calls.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deep") from None


def reason(error: OSError | ValueError) -> str:
    """Why a file cannot be read, in a few words."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def home_path(text: str) -> Path:
    """A path of a setting, where only ``~`` and ``~/`` stand for the user's home, as for npm."""
    if text == "~" or text.startswith("~/"):
        return Path(os.path.expanduser("~") + text[1:])
    return Path(text)


@contextmanager
def scratch_directory(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new directory, removed at the end with all that is in it.

    Args:
        prefix: What its name begins with.
        parent: Where it is made; by default where ``TMPDIR`` says.

    Raises:
        OSError: It cannot be made.
    """
    import tempfile  # it takes its time to load, and is seldom needed

    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield directory
    finally:
        with suppress(OSError):
            remove_tree(directory)


def walk(directory: Path | str) -> Iterator[os.DirEntry[str]]:
    """All that is below a directory, in no order; links are not followed.

    A directory's contents come after the directory itself, which may be removed then. `os.walk`
    and `Path.rglob` recurse in Python 3.11.

    Raises:
        OSError: A directory cannot be read.
    """
    pending = [os.fspath(directory)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            found = list(entries)
        for entry in found:
            yield entry
            if entry.is_dir(follow_symlinks=False) and os.path.lexists(entry.path):
                pending.append(entry.path)


def remove_tree(path: Path | str) -> None:
    """Remove a directory with all that is in it; what is not there is no error.

    `shutil.rmtree` recurses in Python 3.11, and its paths grow beyond what the kernel takes. Here
    each directory's directories are moved up to the top, where they are next: two open directories
    are enough for any depth. Directories that their owner may not change are made changeable.

    Args:
        path: A directory, or a link or file, which goes alone.

    Raises:
        OSError: Something cannot be removed.
    """
    parent, name = os.path.split(os.fspath(path).rstrip("/"))
    with suppress(FileNotFoundError), _opened(parent or ".", None) as above:
        try:
            with _opened(name, above) as top:
                _empty(top)
        except NotADirectoryError:
            os.unlink(name, dir_fd=above)
        else:
            os.rmdir(name, dir_fd=above)


def _empty(top: int) -> None:
    """Empty the top directory, of which each directory is emptied in turn."""
    names = (f".removed-{number}" for number in itertools.count())
    directories = _unlink_files(top)
    while directories:
        for name in directories:
            with _opened(name, top) as current:
                for below in _unlink_files(current):
                    _move_up(below, current, top, names)
            os.rmdir(name, dir_fd=top)
        directories = _unlink_files(top)


def _unlink_files(directory: int) -> list[str]:
    """Remove what is no directory; returns the names of the directories."""
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        if not is_directory:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)
    return [name for name, is_directory in found if is_directory]


def _move_up(name: str, directory: int, top: int, names: Iterator[str]) -> None:
    for target in names:
        try:
            os.rename(name, target, src_dir_fd=directory, dst_dir_fd=top)
        except PermissionError:  # its own link to the directory above changes, too
            os.chmod(name, 0o700, dir_fd=directory)
            os.rename(name, target, src_dir_fd=directory, dst_dir_fd=top)
        except OSError:
            if _is_there(target, top):
                continue
            raise
        return


def _is_there(name: str, directory: int) -> bool:
    try:
        os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _opened(name: str, directory: int | None) -> Iterator[int]:
    """A directory, open; for its owner to read and change where it is below another one."""
    try:
        descriptor = os.open(name, _DIRECTORY, dir_fd=directory)
    except PermissionError:
        if directory is None:
            raise
        os.chmod(name, 0o700, dir_fd=directory)
        descriptor = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        if directory is not None and os.fstat(descriptor).st_mode & 0o300 != 0o300:
            os.fchmod(descriptor, 0o700)
        yield descriptor
    finally:
        os.close(descriptor)
