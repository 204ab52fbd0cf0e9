"""What one measurement came to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Rate"]


@dataclass(frozen=True, slots=True)
class Rate:
    """So much in such a time.

    Attributes:
        tarballs: How many.
        size: Their bytes, as they are in the registry.
        seconds: Wall time.
    """

    tarballs: int
    size: int
    seconds: float

    @property
    def bytes_per_second(self) -> float:
        """The bytes' rate."""
        return self.size / max(self.seconds, 1e-9)

    @property
    def tarballs_per_second(self) -> float:
        """The tarballs' rate: with small ones, requests are the limit, and not bytes."""
        return self.tarballs / max(self.seconds, 1e-9)
