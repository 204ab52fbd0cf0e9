"""The download cache: verified tarballs under their content hash, and what is known about others.

Layout, below the cache directory::

    sha512/HEX      a tarball, named by its sha512 in base 16
    alias/sha1/HEX  the sha512 (SRI) of the tarball that has this weaker hash
    record/HEX/HEX  what a registry or an address gave for something that the lock does not
                    describe in full (JSON), named by the sha256 of what was asked for, of whom
    revision/HEX    what a git commit holds (JSON), named by the sha256 of its address
    tree/HEX/       its files, named by the sha256 of their NAR: for those who need them unpacked
    partial/RUN/    downloads under way; removed with their run, or by the next one

A file comes into being whole, by rename, and only after its bytes were verified, so a crash, a
full disk or a second run at once can leave none that is wrong. What happens to it afterwards (a
disk's fault, a power cut, another user) is found where its bytes are used: whoever reads a tarball
verifies it again, and `Cache.drop` makes place for a new one. A note decides nothing that its
tarball's own bytes do not prove, or that is not its own subject's.

Files are made as the umask has it, so that several users can share a cache: one that all may write
(a group's, with a umask of 002), or one that others may only read.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError, InputError, too_many_files
from npm2nixlite.files import home_path, open_file, parse_json, read_file, remove_tree
from npm2nixlite.integrity import Integrity, parse_integrity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

__all__ = ["Cache", "Record", "Revision", "default_cache_directory", "unreadable", "unwritable"]

_CHUNK = 1 << 18
_LARGEST_NOTE = 1 << 16
_counter = itertools.count()

_STALE = 3600.0  # seconds after which a note that was not moved in place is a dead run's


def default_cache_directory() -> Path:
    """``$XDG_CACHE_HOME/npm2nixlite``, by default below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base.startswith("/"):
        return Path(base) / "npm2nixlite"
    return home_path("~/.cache/npm2nixlite")


@dataclass(frozen=True, slots=True)
class Record:
    """What was found out about a tarball that the lock does not describe in full.

    Attributes:
        sha512: The hash of its bytes.
        url: The whole address it came from.
        by_registry: Whether the registry's metadata vouches for the hash (otherwise it was
            computed from the bytes as they came).
    """

    sha512: Integrity
    url: str
    by_registry: bool


@dataclass(frozen=True, slots=True)
class Revision:
    """What was found out about a git commit.

    Attributes:
        sha256: The hash of its tree's NAR, without any ``.git``.
        submodules: Whether the tree has submodules' files in it.
    """

    sha256: Integrity
    submodules: bool


class Cache:
    """A download cache in a directory, which is made when something is put in.

    Args:
        directory: Its place; all of it must be on one file system.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._root = os.fspath(directory)

    def path(self, sha512: Integrity) -> Path:
        """Where the tarball of this hash is, or would be."""
        return Path(self._path("sha512", sha512.hex))

    def find(self, integrities: Iterable[Integrity]) -> Integrity | None:
        """The sha512 of the tarball that has all these hashes, where it is in the cache."""
        wanted = sorted(integrities, reverse=True)
        if not wanted:
            return None
        strongest = wanted[0]
        sha512 = strongest if strongest.algorithm == "sha512" else self._alias(strongest)
        if sha512 is None or not self.has(sha512):
            return None
        # An alias is anybody's word: what it leads to proves itself.
        weaker = [other for other in wanted if other != sha512]
        return sha512 if not weaker or self._proves(sha512, weaker) else None

    def has(self, sha512: Integrity) -> bool:
        """Whether the tarball of this hash is in the cache."""
        try:
            status = os.stat(self._path("sha512", sha512.hex))  # noqa: PTH116 (hot)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unreadable(self.directory, error) from error
        return status.st_size > 0 and stat.S_ISREG(status.st_mode)

    def is_whole(self, sha512: Integrity) -> bool:
        """Whether the tarball of this hash is in the cache and has it; reads all of it."""
        try:
            with open_file(self._path("sha512", sha512.hex)) as file:
                digest = hashlib.sha512()
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                return digest.digest() == sha512.digest
        except (OSError, ValueError):
            return False

    def drop(self, sha512: Integrity) -> None:
        """Remove a tarball that is not what its name says.

        Raises:
            FetchError: It cannot be removed.
        """
        self._remove(self._path("sha512", sha512.hex))

    def drop_tree(self, sha256: Integrity) -> None:
        """Remove a tree that is not what its name says.

        Raises:
            FetchError: It cannot be removed.
        """
        self._remove(self._path("tree", sha256.hex))

    def has_records(self, subject: str) -> bool:
        """Whether anybody was ever asked about this subject."""
        return Path(self._path("record", _name(subject))).is_dir()

    def record(self, subject: str, asked: str) -> Record | None:
        """What was recorded about a subject.

        Args:
            subject: An address, or a package's ``name@version``.
            asked: The registry base that was asked; empty for an address.
        """
        try:
            fields = parse_json(read_file(self._record_path(subject, asked), _LARGEST_NOTE))
            if [fields["subject"], fields["asked"]] != [subject, asked]:
                return None
            (sha512,) = parse_integrity(fields["sha512"])
            return Record(sha512, str(fields["url"]), bool(fields["byRegistry"]))
        except (OSError, ValueError, KeyError, TypeError, InputError):
            return None  # a record that cannot be read is found out anew

    def add(self, partial: str | Path, sha512: Integrity, others: Iterable[Integrity] = ()) -> None:
        """Take in a verified file; it is moved.

        Args:
            partial: On the cache's file system.
            sha512: Its hash, just computed from its bytes.
            others: Its other hashes, just computed too; they find it from now on.
        """
        _move(partial, self._path("sha512", sha512.hex))
        for other in others:
            if other != sha512:
                self._write(self._path(f"alias/{other.algorithm}", other.hex), str(sha512))

    def add_record(self, subject: str, asked: str, record: Record) -> None:
        """Remember what was found out; see `record`."""
        fields = {
            "subject": subject,
            "asked": asked,
            "sha512": str(record.sha512),
            "url": record.url,
            "byRegistry": record.by_registry,
        }
        self._write(str(self._record_path(subject, asked)), json.dumps(fields))

    def revision(self, address: str) -> Revision | None:
        """What is known about a git commit whose tree is in the cache.

        Args:
            address: Of the repository and the commit.
        """
        try:
            fields = parse_json(read_file(self._path("revision", _name(address)), _LARGEST_NOTE))
            if fields["address"] != address:
                return None
            (sha256,) = parse_integrity(fields["narHash"])
            return Revision(sha256, bool(fields["submodules"])) if self.has_tree(sha256) else None
        except (OSError, ValueError, KeyError, TypeError, InputError):
            return None  # found out anew

    def tree(self, sha256: Integrity) -> Path:
        """Where the tree of this NAR hash is, or would be; whoever reads it verifies it again."""
        return Path(self._path("tree", sha256.hex))

    def has_tree(self, sha256: Integrity) -> bool:
        """Whether the tree of this NAR hash is in the cache."""
        return self.tree(sha256).is_dir()

    def add_revision(self, address: str, revision: Revision, tree: Path) -> None:
        """Remember a git commit; its tree is moved."""
        place = self.tree(revision.sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not self.has_tree(revision.sha256):
            with suppress(FileExistsError):  # another run was faster
                tree.rename(place)
        fields = {
            "address": address,
            "narHash": str(revision.sha256),
            "submodules": revision.submodules,
        }
        self._write(self._path("revision", _name(address)), json.dumps(fields))

    @contextmanager
    def partial_directory(self) -> Iterator[Path]:
        """A directory for the downloads of one run; those of runs that died are removed first.

        Raises:
            FetchError: The cache cannot be written.
        """
        parent = self.directory / "partial"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with (parent / "lock").open("wb") as lock_file:  # one run comes or cleans at a time
                fcntl.flock(lock_file, fcntl.LOCK_EX)
                _remove_abandoned(parent)
                run = Path(tempfile.mkdtemp(dir=parent))
                lock = (run / "lock").open("wb")
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise unwritable(self.directory, error) from error
        with lock:
            try:
                yield run
            finally:
                with suppress(OSError):
                    remove_tree(run)

    def _proves(self, sha512: Integrity, weaker: Iterable[Integrity]) -> bool:
        """Whether the tarball of a hash has others, too: by its bytes; a wrong one is dropped."""
        algorithms = {"sha512", *(other.algorithm for other in weaker)}
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        try:
            with open_file(self._path("sha512", sha512.hex)) as file:
                while chunk := file.read(_CHUNK):
                    for value in hashes.values():
                        value.update(chunk)
        except (OSError, ValueError):
            return False
        if hashes["sha512"].digest() != sha512.digest:
            self.drop(sha512)
            return False
        if any(hashes[other.algorithm].digest() != other.digest for other in weaker):
            return False
        for other in weaker:
            if self._alias(other) != sha512:
                with suppress(OSError):  # the cache may be another user's
                    self._write(self._path(f"alias/{other.algorithm}", other.hex), str(sha512))
        return True

    def _alias(self, integrity: Integrity) -> Integrity | None:
        try:
            path = self._path(f"alias/{integrity.algorithm}", integrity.hex)
            (sha512,) = parse_integrity(read_file(path, _LARGEST_NOTE).decode("ascii"))
        except (OSError, ValueError, InputError):
            return None
        return sha512 if sha512.algorithm == "sha512" else None

    def _write(self, path: str, text: str) -> None:
        parent = self.directory / "partial"
        parent.mkdir(parents=True, exist_ok=True)
        partial = f"{parent}/note-{os.getpid()}-{next(_counter)}-{os.urandom(4).hex()}"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            _move(partial, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(partial)  # noqa: PTH108
            raise

    def _remove(self, path: str) -> None:
        try:
            remove_tree(path)
        except OSError as error:
            raise unwritable(self.directory, error) from error

    def _record_path(self, subject: str, asked: str) -> Path:
        return Path(self._path("record", _name(subject)), _name(asked))

    def _path(self, kind: str, name: str) -> str:
        return f"{self._root}/{kind}/{name}"


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def unwritable(directory: Path, error: OSError) -> FetchError:
    """The error for a cache that cannot be written."""
    if too_many_files(error):
        return FetchError(
            "too many open files",
            hint="allow more (ulimit -n 1024), or use fewer --connections",
        )
    return FetchError(
        f"the download cache cannot be written: {error.strerror or error}",
        where=str(directory),
        hint="make room or give the rights there, or name another place with --cache-dir",
    )


def unreadable(directory: Path, error: OSError) -> FetchError:
    """The error for a cache that cannot be read."""
    return FetchError(
        f"the download cache cannot be read: {error.strerror or error}",
        where=str(directory),
        hint="name another place with --cache-dir, or have the rights given to you",
    )


def _lock_file(parent: Path) -> BinaryIO:
    """The file that is locked while a run starts; another user's can be read, at least."""
    path = parent / "lock"
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
    except PermissionError:
        return path.open("rb")


def _move(source: str | Path, target: str) -> None:
    try:
        os.rename(source, target)  # noqa: PTH104 (hot)
    except FileNotFoundError:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(source).rename(target)
    except IsADirectoryError:  # whoever made it one
        remove_tree(target)
        Path(source).rename(target)


def _remove_abandoned(parent: Path) -> None:
    """Remove the partial downloads of runs that hold their lock no more."""
    for run in parent.iterdir():
        if run.name == "lock":
            continue
        if run.is_file():
            with suppress(FileNotFoundError):
                if time.time() - run.stat().st_mtime > _STALE:
                    run.unlink()
            continue
        try:
            with (run / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(run)
        except OSError:
            continue  # in use, or gone by now
