"""What a benchmark is going to download, known before anybody is asked for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from npm2nixlite.messages import without_credentials
from npm2nixlite.sources.resolve import lacking

if TYPE_CHECKING:
    from npm2nixlite.cache import Cache
    from npm2nixlite.sources.resolve import Wanted

__all__ = ["Preview", "preview"]


@dataclass(frozen=True, slots=True)
class Preview:
    """A download that has not begun.

    A lock has no sizes, and to ask the registry for them would be a request more for each tarball;
    so they are known only of what this machine has seen before.

    Attributes:
        tarballs: How many are to be downloaded.
        hosts: Host and port → how many of them come from there, most first; redirects aside.
        proxies: Hosts and ports of the proxies between.
        asked_about: Of how many the registry's metadata is asked for, too: the lock gives no hash.
        sized: How many of them have a known size.
        known_bytes: What these take together.
    """

    tarballs: int
    hosts: dict[str, int]
    proxies: tuple[str, ...]
    asked_about: int
    sized: int
    known_bytes: int


def preview(wanted: Wanted, cache: Cache | None, seen: Cache) -> Preview:
    """Find out what a first pass downloads; opens no connection.

    Args:
        wanted: A project's plan, and its configuration.
        cache: What it has is not downloaded; None for an empty one.
        seen: A cache that may know sizes.

    Raises:
        InputError: No registry is named where one is needed, or a proxy cannot be used.
    """
    missing = lacking([wanted], cache)
    urls = [url for _, url in missing]
    proxies = {proxy for proxy in map(wanted.config.proxy, urls) if proxy is not None}
    known = [seen.find(tarball.integrities) for tarball, _ in missing if tarball.integrities]
    sizes = [seen.path(sha512).stat().st_size for sha512 in known if sha512 is not None]
    return Preview(
        tarballs=len(missing),
        hosts=dict(Counter(map(_host, urls)).most_common()),
        proxies=tuple(sorted(map(_host, proxies))),
        asked_about=sum(
            tarball.package is not None and not tarball.integrities for tarball, _ in missing
        ),
        sized=len(sizes),
        known_bytes=sum(sizes),
    )


def _host(url: str) -> str:
    """Host and port, and nothing of what may stand before them: a name and a password."""
    return urlsplit(without_credentials(url)).netloc
