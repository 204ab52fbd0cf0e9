"""Cold starts: what a run has left is out of the way before the next one."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["aside", "clearing", "file_system"]

_IN_MEMORY = ("tmpfs", "ramfs")


def aside(*places: Path) -> None:
    """Let there be nothing at these places.

    On a disk it is moved, and goes with the scratch directory, at the end: ext4 is slow to reuse
    what was removed a moment ago. In memory it is removed, for there it would be in the way.
    """
    for place in places:
        if not place.exists():
            continue
        if file_system(place.parent) in _IN_MEMORY:
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        else:
            place.rename(Path(tempfile.mkdtemp(prefix=".aside-", dir=place.parent)) / "was")


def clearing(*places: Path, make: bool = False) -> Callable[[], None]:
    """A `prepare` that clears places, and makes them anew as empty directories if wished."""

    def prepare() -> None:
        aside(*places)
        if make:
            for place in places:
                place.mkdir(parents=True)

    return prepare


@functools.cache
def file_system(directory: Path) -> str:
    """The kind of file system that a directory is on, as ``stat`` names it."""
    command = ["stat", "--file-system", "--format=%T", str(directory)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
