"""Progress: what a long step tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Advance", "Progress", "no_progress"]


class Advance(Protocol):
    """Told of each item that is done."""

    def __call__(self, items: int, size: int, /) -> None:
        """Take note of progress.

        Args:
            items: How many more are done.
            size: Bytes that came or went with them.
        """


class Progress(Protocol):
    """Starts a step of known length; its result is told of each item."""

    def __call__(self, total: int, /) -> Advance:
        """Start.

        Args:
            total: The number of items.
        """


def no_progress(_total: int, /) -> Advance:
    """Progress that nobody watches."""
    return lambda _items, _size: None
