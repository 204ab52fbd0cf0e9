"""Cold starts: what a run has left is moved aside before the next one."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["aside", "clearing"]


def aside(*places: Path) -> None:
    """Move what is there away.

    Not removed: ext4 is slow to reuse what was removed a moment ago. It goes with the scratch
    directory, at the end.
    """
    for place in places:
        if place.exists() or place.is_symlink():
            place.rename(_attic(place) / "was")


def clearing(*places: Path, make: bool = False) -> Callable[[], None]:
    """A `prepare` that moves places aside, and makes them anew as empty directories if wished."""

    def prepare() -> None:
        aside(*places)
        if make:
            for place in places:
                place.mkdir(parents=True)

    return prepare


def _attic(place: Path) -> Path:
    return type(place)(tempfile.mkdtemp(prefix=".aside-", dir=place.parent))
