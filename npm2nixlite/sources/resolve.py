"""From plans to pins: each tarball's hash, from the cache where it is there, else from the network.

Several projects resolve together, so that what they share is fetched once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache, Record, unwritable
from npm2nixlite.fetch.job import Failure, Fetched, FetchOptions, Job
from npm2nixlite.node_packages.model import Pin
from npm2nixlite.plan import Address, Plan, Tarball
from npm2nixlite.progress import no_progress
from npm2nixlite.sources.failures import Failed, fetch_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from npm2nixlite.agreement.decision import Decision
    from npm2nixlite.config.registry import RegistryConfig
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.lock.model import Lock
    from npm2nixlite.progress import Progress

__all__ = ["FetchSummary", "Resolution", "Wanted", "lacking", "resolve"]


@dataclass(frozen=True)
class Wanted:
    """A plan, with the configuration its registry packages are fetched under.

    Attributes:
        plan: What is needed.
        config: The configuration.
        decision: What the plan was made from.
    """

    plan: Plan
    config: RegistryConfig
    decision: Decision


@dataclass
class FetchSummary:
    """What resolving took.

    Attributes:
        packages: Unique tarballs over all projects.
        fetched: How many of them came over the network.
        fetched_bytes: Their size.
        from_cache: How many were in the cache.
        from_here: How many were in npm's cache or the Nix store.
        trusted: How many hashes were taken from the lock without a look at the bytes.
        sha1_only: Install paths whose lock entries give no better hash than sha1.
        by_registry: Labels of those whose hash came from the registry's metadata.
        computed: Labels of those that nobody vouches for: the hash is of what came.
        seconds: Wall time in all.
        fetch_seconds: Wall time from the first request to the last file in the cache.
    """

    packages: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    from_cache: int = 0
    from_here: int = 0
    trusted: int = 0
    sha1_only: list[str] = field(default_factory=list)
    by_registry: list[str] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    fetch_seconds: float = 0.0


@dataclass(frozen=True)
class Resolution:
    """Pins by install path, for each of the plans; and what it took."""

    pins: tuple[dict[str, Pin], ...]
    summary: FetchSummary


@dataclass
class _Source:
    """A tarball of one plan on its way to a pin."""

    tarball: Tarball
    wanted: Wanted
    pin: Pin | None = None

    def base(self) -> str:
        """The registry base it is fetched from; may ask npm, where nothing else names one."""
        config, registry = self.wanted.config, self.wanted.plan.registry
        if not self.tarball.address.relative:
            return self.tarball.base or ""
        return config.registry if registry is None else config.replacement(registry)

    def url(self) -> str:
        address = self.tarball.address
        return self.base() + address.path if address.relative else address.path

    def subject(self) -> str:
        """What a cache record about it is about."""
        return self.tarball.address.path if self.tarball.package is None else self.tarball.label

    def asked(self) -> str:
        """Whom a cache record about it comes from."""
        return "" if self.tarball.package is None else self.base()

    def failed(self, failure: Failure) -> Failed:
        notes = tuple(_contradictions(self.tarball, self.wanted.plan.lock))
        return Failed(self.tarball.label, self.tarball.install_paths[0], failure, notes)

    def pin_to(self, sha512: Integrity, url: str | None = None) -> None:
        """Pin it, at another address where the registry's metadata gave one."""
        address = self.tarball.address
        if url is not None and url != self.url():
            base = self.base()
            relative = address.relative and url.startswith(base)
            address = Address(url.removeprefix(base) if relative else url, relative)
        self.pin = Pin(address, sha512)


def resolve(
    projects: Sequence[Wanted],
    cache: Cache,
    options: FetchOptions,
    *,
    offline: bool = False,
    trust_lock: bool = False,
    elsewhere: bool = True,
    progress: Progress = no_progress,
) -> Resolution:
    """Find every tarball's sha512.

    Args:
        projects: The plans.
        cache: Looked into first; takes what is fetched.
        options: How to fetch.
        offline: Open no connection: what is not in the cache is a failure.
        trust_lock: Take a sha512 that the lock gives for granted, and fetch only the rest.
        elsewhere: Look into npm's cache and the Nix store, too, for what the cache lacks.
        progress: Given the number of tarballs to fetch, gives what to call as they come.

    Raises:
        FetchError: Some could not be fetched or verified; the message lists every one.
        InputError: No registry is named where one is needed.
    """
    start = time.monotonic()
    by_project = [
        [_Source(tarball, wanted) for tarball in wanted.plan.tarballs] for wanted in projects
    ]
    sources = [source for project in by_project for source in project]
    contents = _Contents(sources)
    summary = FetchSummary()
    summary.sha1_only = sorted({s.tarball.label for s in sources if _is_sha1_only(s.tarball)})
    failures: dict[str, Failed] = {}
    missing = [source for source in sources if not _from_cache(source, cache, summary, trust_lock)]
    if elsewhere:
        missing = _from_here(missing, cache, summary, contents)
    distinct = {contents.key(source) for source in sources}
    if offline:
        for source in missing:
            label = source.tarball.label
            failure = Failure("", "not in the cache", "run it without --offline")
            failures[label] = source.failed(failure)
    elif missing:
        _fetch(missing, contents, cache, options, summary, failures, progress)
    if failures:
        raise fetch_error(failures.values(), len(distinct))
    summary.packages = len(distinct)
    counted = summary.fetched + summary.trusted + summary.from_here
    summary.from_cache = summary.packages - counted
    summary.seconds = time.monotonic() - start
    return Resolution(tuple(map(_pins, by_project)), summary)


def lacking(projects: Sequence[Wanted], cache: Cache | None) -> list[tuple[Tarball, str]]:
    """What `resolve` would fetch, each content once, with the address it would ask first.

    Args:
        projects: The plans.
        cache: What it has is left out; None for an empty one.

    Raises:
        InputError: No registry is named where one is needed.
    """
    sources = [_Source(tarball, wanted) for wanted in projects for tarball in wanted.plan.tarballs]
    contents = _Contents(sources)
    found: dict[object, _Source] = {}
    for source in sources:
        if cache is None or not _from_cache(source, cache, FetchSummary(), trust_lock=False):
            found.setdefault(contents.key(source), source)
    return [(source.tarball, source.url()) for source in found.values()]


def _pins(sources: Iterable[_Source]) -> dict[str, Pin]:
    return {
        path: source.pin
        for source in sources
        if source.pin is not None
        for path in source.tarball.install_paths
    }


def _from_cache(source: _Source, cache: Cache, summary: FetchSummary, trust_lock: bool) -> bool:
    tarball = source.tarball
    record = None
    if (tarball.guessed or not tarball.integrities) and cache.has_records(source.subject()):
        record = cache.record(source.subject(), source.asked())
    url = record.url if record is not None else None
    sha512s = [item for item in tarball.integrities if item.algorithm == "sha512"]
    if trust_lock and len(sha512s) == 1:
        source.pin_to(sha512s[0], url)
        summary.trusted += 1
        return True
    if tarball.integrities:
        sha512 = cache.find(tarball.integrities)
    else:
        sha512 = record.sha512 if record is not None and cache.has(record.sha512) else None
    if sha512 is None:
        return False
    source.pin_to(sha512, url)
    if record is not None and not tarball.integrities:
        (summary.by_registry if record.by_registry else summary.computed).append(tarball.label)
    return True


def _from_here(
    missing: Sequence[_Source], cache: Cache, summary: FetchSummary, contents: _Contents
) -> list[_Source]:
    """Take what is elsewhere on this machine; returns what is not."""
    if not missing:
        return []
    from npm2nixlite.sources.reuse import Sought, find_here, nix_store

    sought = [
        Sought(
            source.tarball.integrities,
            source.tarball.address.path,
            source.url,
            source.tarball.guessed,
            source.wanted.config.npm_cache,
        )
        for source in missing
    ]
    left: list[_Source] = []
    found: set[object] = set()
    for source, sha512 in zip(missing, find_here(sought, cache, nix_store()), strict=True):
        if sha512 is None:
            left.append(source)
        else:
            source.pin_to(sha512)
            found.add(contents.key(source))
    summary.from_here = len(found)
    return left


def _fetch(
    missing: Sequence[_Source],
    contents: _Contents,
    cache: Cache,
    options: FetchOptions,
    summary: FetchSummary,
    failures: dict[str, Failed],
    progress: Progress,
) -> None:
    from npm2nixlite.fetch.pool import fetch_first

    groups: dict[object, list[_Source]] = {}
    for source in missing:
        groups.setdefault(contents.key(source), []).append(source)
    advance = progress(len(groups))
    jobs = [_jobs(group) for group in groups.values()]
    start = time.monotonic()
    outcomes = fetch_first(jobs, cache, options, advance)
    summary.fetch_seconds = time.monotonic() - start
    for group, (job, outcome) in zip(groups.values(), outcomes, strict=True):
        if isinstance(outcome, Fetched):
            summary.fetched += 1
            summary.fetched_bytes += outcome.size
            _take(group, job, outcome, cache, summary)
        else:
            failures[group[0].tarball.label] = group[0].failed(outcome)


def _jobs(group: Sequence[_Source]) -> list[Job]:
    integrities = frozenset().union(*(source.tarball.integrities for source in group))
    jobs: dict[str, Job] = {}
    for source in group:
        tarball, url = source.tarball, source.url()
        package = tarball.package
        job = Job(
            label=tarball.label,
            url=url,
            integrities=integrities,
            package=None if package is None else (package.name, package.version),
            base=source.base(),
            guessed=tarball.guessed,
            config=source.wanted.config,
        )
        known = jobs.setdefault(url, job)
        jobs[url] = replace(known, guessed=known.guessed and job.guessed)
    return list(jobs.values())


def _take(
    group: Sequence[_Source], job: Job, fetched: Fetched, cache: Cache, summary: FetchSummary
) -> None:
    moved = fetched.url != job.url
    for source in group:
        unlocked = not source.tarball.integrities
        source.pin_to(fetched.sha512, fetched.url if moved and source.url() == job.url else None)
        if moved or unlocked:
            record = Record(fetched.sha512, fetched.url, fetched.by_registry)
            try:
                cache.add_record(source.subject(), source.asked(), record)
            except OSError as error:
                raise unwritable(cache.directory, error) from error
        if unlocked:
            labels = summary.by_registry if fetched.by_registry else summary.computed
            labels.append(source.tarball.label)


class _Contents:
    """Which tarballs must have the same bytes: those of one sha512, and those of one address.

    One lock may vouch for a tarball with a sha1, where another has its sha512.
    """

    def __init__(self, sources: Iterable[_Source]) -> None:
        self._known: dict[object, Integrity] = {}
        for source in sources:
            sha512 = _sha512(source)
            if sha512 is not None:
                self._known.setdefault(_place(source), sha512)

    def key(self, source: _Source) -> object:
        """The same for those."""
        place = _place(source)
        return _sha512(source) or self._known.get(place, place)


def _sha512(source: _Source) -> Integrity | None:
    strongest = max(source.tarball.integrities, default=None)
    return strongest if strongest is not None and strongest.algorithm == "sha512" else None


def _place(source: _Source) -> object:
    """Where it is from."""
    if source.tarball.address.relative and source.wanted.plan.registry is None:
        # Asking for the whole address would ask npm for its registry, on warm runs too.
        return (source.tarball.address, source.wanted.config.configured)
    return source.url()


def _is_sha1_only(tarball: Tarball) -> bool:
    return bool(tarball.integrities) and max(tarball.integrities).algorithm == "sha1"


def _contradictions(tarball: Tarball, lock: Lock) -> Iterator[str]:
    """Where a lock gives one address several hashes of a kind, of which one at most can hold."""
    by_algorithm: dict[str, dict[Integrity, list[str]]] = {}
    paths = set(tarball.install_paths)
    for package in lock.packages:
        if package.install_path in paths:
            for integrity in package.integrities:
                users = by_algorithm.setdefault(integrity.algorithm, {})
                users.setdefault(integrity, []).append(package.install_path)
    for algorithm, hashes in by_algorithm.items():
        if len(hashes) > 1:
            yield f"the lock gives this address {len(hashes)} different {algorithm} hashes:"
            yield from (f"  {hashed}  {', '.join(users)}" for hashed, users in hashes.items())
