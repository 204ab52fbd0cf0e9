"""Using the download cache: what is wrong in it is dropped, fetched again, and used again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from npm2nixlite.sources.collect import Sources, fetch_sources
from npm2nixlite.sources.upkeep import drop_wrong
from npm2nixlite.store.fixed_file import WrongBytesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from npm2nixlite.sources.collect import SourceOptions

__all__ = ["healed"]

T = TypeVar("T")


def healed(use: Callable[[], T], sources: Sources, options: SourceOptions) -> T:
    """Do what reads files of the download cache, and once more where one was wrong.

    Args:
        use: Reads them.
        sources: Which they are.
        options: The cache, and how to fetch.

    Raises:
        WrongBytesError: A file that is not the cache's is wrong.
        FetchError: What was dropped cannot be fetched again.
    """
    try:
        return use()
    except WrongBytesError:
        tarballs = [item.sha512 for item in sources.tarballs]
        dropped = drop_wrong(options.cache, tarballs, [item.sha256 for item in sources.trees])
        if not dropped:
            raise
    names = {name.rpartition("/")[2] for name in dropped}
    gone = Sources(
        [item for item in sources.tarballs if item.sha512.hex in names],
        [item for item in sources.trees if item.sha256.hex in names],
        [],
    )
    fetch_sources(gone, options)
    return use()
