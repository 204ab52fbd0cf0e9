"""A binary cache in a directory: ``file:///DIR``."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Self

from npm2nixlite.binarycache.backend import Stat
from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

    from npm2nixlite.binarycache.backend import Body

__all__ = ["FileBackend"]


class FileBackend:
    """Files below a directory, which is made when the first one is put.

    Args:
        directory: The cache's root.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def address(self) -> str:
        """The directory as a URL."""
        return f"file://{self._directory}"

    async def get(self, key: str) -> bytes | None:
        """The file's content, or ``None``."""
        try:
            return await asyncio.to_thread((self._directory / key).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(key, error, "read") from error

    async def stat(self, key: str) -> Stat | None:
        """Size and time of a file, or ``None``."""
        try:
            status = (self._directory / key).stat()  # quicker than waking up a thread
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unusable(key, error, "read") from error
        return Stat(status.st_size, status.st_mtime) if S_ISREG(status.st_mode) else None

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """The file's content in pieces."""
        try:
            with (self._directory / key).open("rb", buffering=0) as file:
                while piece := await asyncio.to_thread(file.read, 1 << 20):
                    yield piece
        except OSError as error:
            raise self._unusable(key, error, "read") from error

    async def list(self) -> AsyncIterator[tuple[str, Stat]]:
        """All files but those that are being written."""
        try:
            found = await asyncio.to_thread(lambda: list(_files(self._directory)))
        except OSError as error:
            raise self._unusable("", error, "read") from error
        for key, stat in found:
            yield key, stat

    async def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        try:
            (self._directory / key).unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(key, error, "written") from error

    async def put(self, key: str, body: Body, content_type: str) -> None:  # noqa: ARG002
        """Write beside the place and rename, so that nobody ever sees a part."""
        try:
            await asyncio.to_thread(_write, self._directory / key, body)
        except OSError as error:
            raise self._unusable(key, error, "written") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def _unusable(self, key: str, error: OSError, verb: str) -> BuildError:
        return BuildError(
            f"the binary cache cannot be {verb}: {error.strerror or error}",
            where=(self.address, key),
            hint="make room or give the rights there; what is there already is skipped",
        )


def _files(directory: Path) -> Iterator[tuple[str, Stat]]:
    for place, below, names in os.walk(directory, onerror=_fail):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if name.startswith("."):
                continue  # on its way
            file = Path(place, name)
            try:
                status = file.stat()
            except FileNotFoundError:
                continue
            yield file.relative_to(directory).as_posix(), Stat(status.st_size, status.st_mtime)


def _fail(error: OSError) -> None:
    raise error


def _write(path: Path, body: Body) -> None:
    # Not tempfile: it makes files that only their owner may read, and a web server is another.
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        out = part.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        out = part.open("xb")
    try:
        with out:
            if isinstance(body, bytes):
                out.write(body)
            else:
                with body.open() as source:
                    shutil.copyfileobj(source, out, 1 << 20)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
