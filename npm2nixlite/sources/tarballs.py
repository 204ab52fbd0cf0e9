"""From ``node-packages.nix`` files to the tarballs they name; those missing here are fetched."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.fetch.job import Failure, Fetched, Job
from npm2nixlite.node_packages.model import PackageEntry, Pin
from npm2nixlite.progress import no_progress
from npm2nixlite.sources.failures import Failed, fetch_error
from npm2nixlite.store.fixed_file import FixedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from npm2nixlite.cache import Cache
    from npm2nixlite.config.registry import RegistryConfig
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.node_packages.model import NodePackages
    from npm2nixlite.plan import Address
    from npm2nixlite.progress import Advance, Progress

__all__ = ["PinnedTarball", "TarballsFetched", "fetch_missing", "fixed_files", "tarballs_of"]


@dataclass(frozen=True)
class PinnedTarball:
    """A fixed-output derivation of a ``node-packages.nix``.

    Attributes:
        name: The derivation's name.
        sha512: What it is fixed to.
        label: What to call it in messages.
        install_path: The first entry it fills.
        address: Where it is.
        registry: The default registry base of its file; None where that has none.
        config: npm's configuration, where the file is.
    """

    name: str
    sha512: Integrity
    label: str
    install_path: str
    address: Address
    registry: str | None
    config: RegistryConfig

    def failed(self, failure: Failure) -> Failed:
        """What an error says of it."""
        return Failed(self.label, self.install_path, failure)

    def url(self) -> str:
        """Where to fetch it; may ask npm for its registry, where nothing else names one."""
        if not self.address.relative:
            return self.address.path
        config = self.config
        base = config.registry if self.registry is None else config.replacement(self.registry)
        return base + self.address.path


@dataclass(frozen=True)
class TarballsFetched:
    """What making tarballs available took.

    Attributes:
        packages: Different contents, over all files.
        fetched: How many of them came over the network.
        fetched_bytes: Their size.
        seconds: Wall time.
    """

    packages: int
    fetched: int
    fetched_bytes: int
    seconds: float


def tarballs_of(content: NodePackages, config: RegistryConfig) -> list[PinnedTarball]:
    """The tarballs of a generated file; each derivation comes once.

    Args:
        content: What the file says.
        config: npm's configuration, where the file is.
    """
    tarballs: dict[tuple[str, Integrity, Address], PinnedTarball] = {}
    for label, entry in content.labelled():
        if not isinstance(entry, PackageEntry) or not isinstance(entry.content, Pin):
            continue
        pin = entry.content
        tarball = PinnedTarball(
            name=pin.store_name,
            sha512=pin.sha512,
            label=f"{entry.name}@{entry.version}" if entry.version else entry.name,
            install_path=label,
            address=pin.address,
            registry=content.registry,
            config=config,
        )
        tarballs.setdefault((tarball.name, tarball.sha512, tarball.address), tarball)
    return list(tarballs.values())


def fetch_missing(
    tarballs: Sequence[PinnedTarball],
    cache: Cache,
    options: FetchOptions,
    *,
    offline: bool = False,
    progress: Progress = no_progress,
) -> TarballsFetched:
    """Fetch what the download cache has not got.

    Args:
        tarballs: What it is to have.
        cache: Where it goes.
        options: How to fetch.
        offline: Open no connection: what is missing is a failure.
        progress: Given the number of tarballs to fetch, gives what to call as they come.

    Raises:
        FetchError: Some could not be fetched or verified; the message lists every one.
        InputError: No registry is named where one is needed.
    """
    start = time.monotonic()
    contents: dict[Integrity, list[PinnedTarball]] = {}
    for tarball in tarballs:
        contents.setdefault(tarball.sha512, []).append(tarball)
    missing = [group for sha512, group in contents.items() if not cache.has(sha512)]
    fetched: list[Fetched] = []
    if offline and missing:
        reason = Failure("", "not in the download cache", "run it without --offline")
        raise fetch_error([group[0].failed(reason) for group in missing], len(contents))
    if missing:
        fetched = _fetch(missing, cache, options, progress(len(missing)), len(contents))
    size = sum(item.size for item in fetched)
    return TarballsFetched(len(contents), len(fetched), size, time.monotonic() - start)


def fixed_files(tarballs: Iterable[PinnedTarball], cache: Cache) -> list[FixedFile]:
    """The files in the download cache, each under its derivation's name; each comes once."""
    unique = dict.fromkeys((tarball.name, tarball.sha512) for tarball in tarballs)
    return [FixedFile(name, cache.path(sha512), sha512) for name, sha512 in unique]


def _fetch(
    missing: Sequence[Sequence[PinnedTarball]],
    cache: Cache,
    options: FetchOptions,
    advance: Advance,
    total: int,
) -> list[Fetched]:
    from npm2nixlite.fetch.pool import fetch_first

    outcomes = fetch_first([_jobs(group) for group in missing], cache, options, advance)
    fetched: list[Fetched] = []
    failures: list[Failed] = []
    for group, (_, outcome) in zip(missing, outcomes, strict=True):
        if isinstance(outcome, Fetched):
            fetched.append(outcome)
        else:
            failures.append(group[0].failed(outcome))
    if failures:
        raise fetch_error(failures, total)
    return fetched


def _jobs(group: Sequence[PinnedTarball]) -> list[Job]:
    jobs: dict[str, Job] = {}
    for tarball in group:
        url = tarball.url()
        jobs[url] = Job(
            label=tarball.label,
            url=url,
            integrities=frozenset([tarball.sha512]),
            package=None,
            base=None,
            guessed=False,
            config=tarball.config,
        )
    return list(jobs.values())
