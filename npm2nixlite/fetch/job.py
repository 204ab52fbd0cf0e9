"""What is to be fetched, how, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npm2nixlite.config.registry import RegistryConfig
    from npm2nixlite.integrity import Integrity

__all__ = ["DEFAULT_CONNECTIONS", "Failure", "FetchOptions", "Fetched", "Job"]

DEFAULT_CONNECTIONS = 64
"""By benchmarks/connections.py: with answers that take 20 ms, more gain nothing; with 100 ms they
would (1.4 times, for twice as many), but a registry that far away is not to be crowded.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One tarball to fetch.

    Attributes:
        label: What to call it in messages.
        url: Its whole address.
        integrities: Every hash it must have; where there is none, the registry is asked for one.
        package: Name and version at a registry, where it is a registry's; for its metadata.
        base: That registry's base.
        guessed: Where the address is not found, the registry's metadata may give another one.
        config: Gives the credentials for an address.
    """

    label: str
    url: str
    integrities: frozenset[Integrity]
    package: tuple[str, str] | None
    base: str | None
    guessed: bool
    config: RegistryConfig


@dataclass(frozen=True, slots=True)
class Fetched:
    """A tarball that is now in the cache.

    Attributes:
        sha512: The hash of its bytes.
        size: In bytes.
        url: Where it came from: the job's address, or the one that the metadata gave.
        by_registry: The hash it was verified against came from the registry's metadata.
    """

    sha512: Integrity
    size: int
    url: str
    by_registry: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a tarball could not be fetched or verified, and what to do about it."""

    url: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How to fetch.

    Attributes:
        connections: At most so many at once, over all processes.
        retries: So many times more after a failure that may pass.
        timeout: Seconds without a byte (or for a connection, or a head) that count as a failure.
        max_tarball: Bytes that a tarball may have.
        max_metadata: Bytes that a registry's answer about a package may have.
        processes: Event loops at most, one a process; 0 for as many as this machine gains from.
    """

    connections: int = DEFAULT_CONNECTIONS
    retries: int = 3
    timeout: float = 30.0
    max_tarball: int = 4_000_000_000
    max_metadata: int = 200_000_000
    processes: int = 0
