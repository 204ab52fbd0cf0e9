"""``bench``: how fast this machine fetches a lock from its registry, and what the time goes to.

`preview` says beforehand what will be downloaded. `measure` downloads it, once; hashes and writes
what came, apart (`local_speed`); and repeats the fetch from a server on loopback (`versus_curl`),
so that the network can be told from the machine without asking the registry again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.bench.local_speed import hash_and_write
from npm2nixlite.bench.rate import Rate
from npm2nixlite.bench.versus_curl import CurlComparison, versus_curl
from npm2nixlite.files import remove_tree
from npm2nixlite.progress import no_progress
from npm2nixlite.sources.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.progress import Progress
    from npm2nixlite.sources.resolve import Wanted

__all__ = ["Measured", "measure"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark found.

    Attributes:
        fetch: From the first request to the last file verified and in the cache, over the network;
            None where the cache had everything.
        hashing: sha512 of all tarballs in memory, in one thread.
        writing: Copies of all of them, in one thread.
        versus_curl: The fetch from loopback; None where that was not asked for.
    """

    fetch: Rate | None
    hashing: Rate
    writing: Rate
    versus_curl: CurlComparison | None


def measure(
    wanted: Wanted,
    cache: Cache,
    scratch: Path,
    options: FetchOptions,
    runs: int,
    progress: Progress = no_progress,
) -> Measured:
    """Fetch a project's tarballs once, as ``generate`` does, and take apart what that took.

    Args:
        wanted: The project's plan, with at least one tarball, and its configuration.
        cache: What it has is not fetched; takes what is.
        scratch: A directory on the cache's file system.
        options: How to fetch.
        runs: How many times to repeat it from loopback; 0 for not at all.
        progress: Told how the fetch goes.

    Raises:
        FetchError: Packages could not be fetched or verified, or there is no room.
    """
    resolution = resolve([wanted], cache, options, elsewhere=False, progress=progress)
    summary = resolution.summary
    tarballs = list(dict.fromkeys(pin.sha512 for pin in resolution.pins[0].values()))
    copies = scratch / "copies"
    hashing, writing = hash_and_write([cache.path(sha512) for sha512 in tarballs], copies)
    remove_tree(copies)
    return Measured(
        fetch=Rate(summary.fetched, summary.fetched_bytes, summary.fetch_seconds)
        if summary.fetched
        else None,
        hashing=hashing,
        writing=writing,
        versus_curl=versus_curl(tarballs, cache, scratch, options, runs) if runs else None,
    )
