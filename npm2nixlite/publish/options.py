"""How to push, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.binarycache.address import DEFAULT_JOBS, is_cache
from npm2nixlite.binarycache.remote import RemoteCache
from npm2nixlite.errors import UsageError
from npm2nixlite.store.path import DEFAULT_STORE_DIR

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.binarycache.compression import Compression
    from npm2nixlite.binarycache.credentials import Credentials
    from npm2nixlite.binarycache.plan import PushPlan, Summary
    from npm2nixlite.errors import Npm2nixliteError
    from npm2nixlite.nix.copy import Copied
    from npm2nixlite.sources.collect import Collected, SourceOptions

__all__ = ["Push", "PushOptions", "Pushed", "Sent", "check_store_options"]


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """How to push.

    Attributes:
        sources: Where sources come from.
        store_dir: The logical store directory.
        dry_run: Only find out what is missing: fetch, send and make nothing.
        compression: Of NARs; None for none of sources, which are compressed, and zstd of others.
        level: How hard to compress; None for what is usual.
        key_files: What to sign with.
        credentials: For http and https; None for those in an address, or in a netrc.
        jobs: How many requests to a store run at once.
        priority: Of the caches; None for that which they have, or the usual one.
        upstreams: Addresses of caches; what they have is not sent.
        upstream_keys: Whose signatures make what they have count, each ``NAME:BASE64``.
    """

    sources: SourceOptions
    store_dir: str = DEFAULT_STORE_DIR
    dry_run: bool = False
    compression: Compression | None = None
    level: int | None = None
    key_files: tuple[Path, ...] = ()
    credentials: Credentials | None = None
    jobs: int = DEFAULT_JOBS
    priority: int | None = None
    upstreams: tuple[str, ...] = ()
    upstream_keys: tuple[str, ...] = ()

    def remote(self, store: str) -> RemoteCache | None:
        """A binary cache; None where the store is none."""
        if not is_cache(store):
            return None
        retries, timeout = self.sources.fetch.retries, self.sources.fetch.timeout
        return RemoteCache(store, self.credentials, self.jobs, retries, timeout)


@dataclass(frozen=True)
class Sent:
    """What became of sources, or of store paths with all that they need, in a binary cache.

    Attributes:
        plan: What the cache had of them.
        absent: How many sources are not at hand; none but in a dry run.
        summary: What was sent; None in a dry run.
        seconds: Wall time of sending.
    """

    plan: PushPlan
    absent: int
    summary: Summary | None
    seconds: float


@dataclass(frozen=True)
class Pushed:
    """What a push to one store did, or would do; a part is None where there was none of its kind.

    Attributes:
        store: The store, as messages show it.
        sources: Tarballs, and trees of git dependencies, to a binary cache.
        closures: Store paths, to a binary cache.
        copied: All that went to a store which only Nix can open.
        error: What ended it early.
        seconds: Wall time.
    """

    store: str
    sources: Sent | None = None
    closures: Sent | None = None
    copied: Copied | None = None
    error: Npm2nixliteError | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Push:
    """What a push did.

    Attributes:
        stores: What became of each store.
        fetched: What fetching sources took; None where nothing had to be looked for.
        seconds: Wall time of all of it.
    """

    stores: tuple[Pushed, ...]
    fetched: Collected | None
    seconds: float


def check_store_options(options: PushOptions, store: str, *, has_sources: bool) -> None:
    """Refuse what only binary caches can have done."""
    for given, name in (
        (options.compression is not None, "--compression"),
        (options.level is not None, "--compression-level"),
        (options.priority is not None, "--priority"),
        (bool(options.key_files), "--key-file"),
        (bool(options.upstreams), "--upstream"),
    ):
        if given:
            raise UsageError(
                f"{name} is for binary caches, and this is none", where=store, hint="leave it out"
            )
    if options.dry_run and has_sources:
        raise UsageError(
            "only Nix can ask this store, about what is in the local store",
            where=store,
            hint="prime the local store first, and name the store paths; or leave out --dry-run",
        )
