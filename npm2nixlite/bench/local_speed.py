"""The parts of a fetch that need no network, each on its own: hashing, and writing."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from npm2nixlite.bench.rate import Rate
from npm2nixlite.cache import unwritable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["hash_and_write"]


def hash_and_write(files: Sequence[Path], directory: Path) -> tuple[Rate, Rate]:
    """Hash files' bytes in memory, and write copies of them, one after the other in one thread.

    Reading them is not counted. Nothing waits for the disk itself, as a fetch does not: what is
    measured is how fast the system takes the bytes.

    Args:
        files: Tarballs.
        directory: Where the copies go; made here, and left.

    Returns:
        sha512, and writing.

    Raises:
        FetchError: A copy cannot be written.
    """
    size = 0
    hashing = writing = 0.0
    try:
        directory.mkdir()
        for number, file in enumerate(files):
            content = file.read_bytes()
            size += len(content)
            start = time.perf_counter()
            hashlib.sha512(content).digest()
            between = time.perf_counter()
            with (directory / str(number)).open("xb", buffering=0) as copy:
                rest = memoryview(content)
                while rest:
                    rest = rest[copy.write(rest) :]
            hashing += between - start
            writing += time.perf_counter() - between
    except OSError as error:
        raise unwritable(directory, error) from error
    return Rate(len(files), size, hashing), Rate(len(files), size, writing)
