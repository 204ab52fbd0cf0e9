"""Which servers are asked over the plain lane (`npm2nixlite.fetch.http1`)."""

from __future__ import annotations

import asyncio
import enum
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.fetch.answer import Head
    from npm2nixlite.fetch.http1 import Origin

__all__ = ["Lane", "Lanes"]

_NEAR = 0.1  # seconds; to wait for an answer from further away saves less than it costs


class Lane(enum.Enum):
    """How to ask."""

    PLAIN = enum.auto()
    GENERAL = enum.auto()
    SCOUT = enum.auto()
    """As `GENERAL`, and everybody else waits a moment to learn how the server answers."""


class Lanes:
    """What is known of servers: nothing, at first."""

    def __init__(self) -> None:
        self._scouted: dict[Origin, asyncio.Event] = {}
        self._plain: set[Origin] = set()
        self._closed: set[Origin] = set()

    async def enter(self, origin: Origin) -> Lane:
        """The lane for one request."""
        scouted = self._scouted.get(origin)
        if scouted is None:
            self._scouted[origin] = asyncio.Event()
            return Lane.SCOUT
        if not scouted.is_set():
            try:
                async with asyncio.timeout(_NEAR):
                    await scouted.wait()
            except TimeoutError:
                self.close(origin)
                scouted.set()
        return Lane.PLAIN if origin in self._plain else Lane.GENERAL

    @contextmanager
    def watching(self, origin: Origin) -> Iterator[None]:
        """Around a request outside the plain lane: however it ends, nobody waits for it after."""
        try:
            yield
        finally:
            self._scouted[origin].set()

    def learn(self, origin: Origin, head: Head) -> None:
        """Take note of an answer from outside the plain lane."""
        if head.status == 200:
            if not head.plain:
                self.close(origin)
            elif origin not in self._closed:
                self._plain.add(origin)
        self._scouted[origin].set()

    def close(self, origin: Origin) -> None:
        """Keep a server off the plain lane for good."""
        self._closed.add(origin)
        self._plain.discard(origin)
