"""A binary cache as a use case is given it: its address, and how to talk to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.address import DEFAULT_JOBS, STALLED, backend_at
from npm2nixlite.binarycache.retry import DEFAULT_RETRIES
from npm2nixlite.messages import without_credentials

if TYPE_CHECKING:
    from npm2nixlite.binarycache.backend import Backend
    from npm2nixlite.binarycache.credentials import Credentials

__all__ = ["RemoteCache"]


@dataclass(frozen=True)
class RemoteCache:
    """A binary cache that is not opened yet; see `backend_at`.

    Attributes:
        address: Of the cache, perhaps with credentials.
        credentials: For http and https; None for those in the address, or in a netrc.
        jobs: How many requests run at once.
        retries: How often a request is repeated where that may help.
        stalled: Seconds without any progress after which a request is given up.
    """

    address: str
    credentials: Credentials | None = None
    jobs: int = DEFAULT_JOBS
    retries: int = DEFAULT_RETRIES
    stalled: float = STALLED

    @property
    def shown(self) -> str:
        """The address as messages show it: without credentials."""
        return without_credentials(self.address)

    def open(self, jobs: int | None = None) -> Backend:
        """A backend, for so many requests at once; nothing is contacted yet.

        Raises:
            UsageError: The address is of no binary cache.
            InputError: A netrc is malformed.
        """
        return backend_at(
            self.address,
            credentials=self.credentials,
            jobs=self.jobs if jobs is None else jobs,
            retries=self.retries,
            stalled=self.stalled,
        )
