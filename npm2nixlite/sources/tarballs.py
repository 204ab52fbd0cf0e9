"""From ``node-packages.nix`` files to the tarballs they name; those missing here are fetched."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.config.registry import load_registry_config
from npm2nixlite.errors import InputError
from npm2nixlite.fetch.job import Failure, Fetched, Job
from npm2nixlite.integrity import parse_integrity
from npm2nixlite.node_packages.names import OUTPUT_NAME, store_name
from npm2nixlite.node_packages.read import read_node_packages
from npm2nixlite.progress import no_progress
from npm2nixlite.sources.failures import Failed, fetch_error
from npm2nixlite.store.fixed_file import FixedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from npm2nixlite.cache import Cache
    from npm2nixlite.config.registry import RegistryConfig
    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.progress import Advance, Progress

__all__ = ["FetchSummary", "Tarball", "fetch_missing", "fixed_files", "node_packages_file", "read"]


@dataclass(frozen=True)
class Tarball:
    """A fixed-output derivation of a ``node-packages.nix``.

    Attributes:
        name: The derivation's name.
        sha512: What it is fixed to.
        label: What to call it in messages.
        install_path: The first entry it fills.
        address: A whole address, or the path below the registry base.
        relative: Whether it is the latter.
        registry: The default registry base of its file; None where that has none.
        config: npm's configuration, where the file is.
    """

    name: str
    sha512: Integrity
    label: str
    install_path: str
    address: str
    relative: bool
    registry: str | None
    config: RegistryConfig

    def failed(self, failure: Failure) -> Failed:
        """What an error says of it."""
        return Failed(self.label, self.install_path, failure)

    def url(self) -> str:
        """Where to fetch it; may ask npm for its registry, where nothing else names one."""
        if not self.relative:
            return self.address
        config = self.config
        base = config.registry if self.registry is None else config.replacement(self.registry)
        return base + self.address


@dataclass(frozen=True)
class FetchSummary:
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


def node_packages_file(given: Path) -> Path:
    """The file that is meant: itself, or the one in a directory.

    Raises:
        InputError: There is none.
    """
    file = given / OUTPUT_NAME if given.is_dir() else given
    if not file.is_file():
        raise InputError(
            "no such file", where=str(file), hint="make one with 'npm2nixlite generate'"
        )
    return file


def read(file: Path, *, registry: str | None = None, npmrc: Path | None = None) -> list[Tarball]:
    """Read the tarballs of a generated file; each derivation comes once.

    Args:
        file: A ``node-packages.nix``.
        registry: Goes before every configured registry base.
        npmrc: Read in the place of the user's ``.npmrc``.

    Raises:
        InputError: The file cannot be read, or this program did not write it.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(f"cannot be read: {reason}", where=str(file)) from error
    content = read_node_packages(text, str(file))
    config = load_registry_config(file.absolute().parent, user_file=npmrc, registry=registry)
    tarballs: dict[tuple[str, Integrity, str], Tarball] = {}
    for install_path, attributes in content.packages.items():
        address = attributes.get("path") or attributes.get("url")
        if address is None or "hash" not in attributes:
            continue  # a link, a directory, or what its parent's tarball brings along
        name = str(attributes.get("storeName") or store_name(str(address))[0])
        sha512 = _sha512(str(attributes["hash"]), (str(file), install_path))
        tarball = Tarball(
            name=name,
            sha512=sha512,
            label=_label(install_path, attributes),
            install_path=install_path,
            address=str(address),
            relative="path" in attributes,
            registry=content.registry,
            config=config,
        )
        tarballs.setdefault((name, sha512, tarball.address), tarball)
    return list(tarballs.values())


def fetch_missing(
    tarballs: Sequence[Tarball],
    cache: Cache,
    options: FetchOptions,
    *,
    offline: bool = False,
    progress: Progress = no_progress,
) -> FetchSummary:
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
    contents: dict[Integrity, list[Tarball]] = {}
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
    return FetchSummary(len(contents), len(fetched), size, time.monotonic() - start)


def fixed_files(tarballs: Iterable[Tarball], cache: Cache) -> list[FixedFile]:
    """The files in the download cache, each under its derivation's name; each comes once."""
    unique = dict.fromkeys((tarball.name, tarball.sha512) for tarball in tarballs)
    return [FixedFile(name, cache.path(sha512), sha512) for name, sha512 in unique]


def _sha512(text: str, where: tuple[str, str]) -> Integrity:
    try:
        hashes = parse_integrity(text)
    except InputError:
        hashes = frozenset()
    for integrity in hashes:
        if len(hashes) == 1 and integrity.algorithm == "sha512":
            return integrity
    raise InputError(
        f"the hash {text!r} is not one that npm2nixlite writes",
        where=where,
        hint="make the file anew with 'npm2nixlite generate'",
    )


def _label(install_path: str, attributes: Mapping[str, object]) -> str:
    name = attributes.get("name") or install_path.rpartition("node_modules/")[2]
    version = attributes.get("version")
    return f"{name}@{version}" if version else str(name)


def _fetch(
    missing: Sequence[Sequence[Tarball]],
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


def _jobs(group: Sequence[Tarball]) -> list[Job]:
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
