"""What pushing needs from a place that holds a binary cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Backend", "Body", "Payload"]


class Payload(Protocol):
    """Bytes that are too many to hold in memory; read anew for each attempt to send them."""

    @property
    def size(self) -> int:
        """Their number."""
        ...

    def open(self) -> BinaryIO:
        """A new seekable reader, at the start.

        Its reads may raise `FetchError`: the bytes are not what they ought to be. Then none of
        what was read may be kept.
        """
        ...


Body = bytes | Payload


class Backend(Protocol):
    """Keys such as ``nar/….nar``, each with a file that appears whole or not at all.

    Every method raises `BuildError` when the place cannot be used, after having tried again where
    that is worth it.
    """

    @property
    def address(self) -> str:
        """Where it is, as errors show it: without any credentials."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The small file under ``key``; ``None`` where there is none."""
        ...

    async def put(self, key: str, body: Body, content_type: str) -> None:
        """Put a file under ``key``, in place of any that is there."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
