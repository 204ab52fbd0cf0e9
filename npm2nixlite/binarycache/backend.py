"""What pushing needs from a place that holds a binary cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

__all__ = ["Backend", "Body", "CollectableBackend", "Payload", "Stat"]


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


@dataclass(frozen=True, slots=True)
class Stat:
    """What a place says of a file without giving it.

    Attributes:
        size: Its size in bytes; None where the place does not say.
        modified: When it was put there, in seconds since 1970; None where not known.
    """

    size: int | None
    modified: float | None = None


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

    async def stat(self, key: str) -> Stat | None:
        """What is known of the file under ``key``; ``None`` where there is none."""
        ...

    def read(self, key: str) -> AsyncIterator[bytes]:
        """The file under ``key``, in pieces; raises `BuildError` where there is none."""
        ...

    def list(self) -> AsyncIterator[tuple[str, Stat]]:
        """All keys, in no order; those that are being put at the moment may be missing.

        Raises:
            UsageError: The place cannot be asked for them.
        """
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


@runtime_checkable
class CollectableBackend(Backend, Protocol):
    """A place from which files can be removed, too."""

    async def remove(self, key: str) -> None:
        """Remove the file under ``key``, if it is there."""
        ...
