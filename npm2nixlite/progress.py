"""Progress: what a long step tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Advance", "Progress", "Steps", "ignore", "no_progress", "no_steps"]


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


class Steps(Protocol):
    """Names the steps of a use case; its result starts them."""

    def __call__(self, step: str, /) -> Progress:
        """Name a step.

        Args:
            step: What is done, such as ``fetching``.
        """


def ignore(_items: int, _size: int, /) -> None:
    """What nobody watches is told."""


def no_progress(_total: int, /) -> Advance:
    """Progress that nobody watches."""
    return ignore


def no_steps(_step: str, /) -> Progress:
    """Steps that nobody watches."""
    return no_progress
