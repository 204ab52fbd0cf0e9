"""What a server answers, whoever asked it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Head", "Sink", "Take"]

T_co = TypeVar("T_co", covariant=True)

Take: TypeAlias = Callable[[bytes | memoryview], asyncio.Future[None] | None]
"""Given a piece of a body; where it returns a future, that is to be done before the next piece."""


class Sink(Protocol[T_co]):
    """Where a body goes."""

    def take(self, piece: bytes | memoryview) -> asyncio.Future[None] | None:
        """Take a piece; it is valid during the call only. See `Take`."""

    async def finish(self) -> T_co:
        """What came of the whole body."""

    async def close(self) -> None:
        """Let go of what is not needed, whether it came whole or not."""


@dataclass(frozen=True, slots=True)
class Head:
    """All but the body.

    Attributes:
        status: Of HTTP.
        reason: Beside it; may be empty.
        headers: By name, in lower case.
    """

    status: int
    reason: str
    headers: Mapping[str, str]

    @property
    def plain(self) -> bool:
        """Whether the body is as long as it says, and is what was asked for, as it is."""
        length = self.headers.get("content-length", "")
        return (
            length.isascii()
            and length.isdigit()
            and "transfer-encoding" not in self.headers
            and self.headers.get("content-encoding", "identity") == "identity"
        )

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection can be used again (HTTP/1.1)."""
        return "close" not in self.headers.get("connection", "").lower()
