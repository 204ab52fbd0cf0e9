"""One error for all packages that could not be fetched or verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from npm2nixlite.fetch.job import Failure
    from npm2nixlite.integrity import Integrity
    from npm2nixlite.lock import Lock
    from npm2nixlite.plan import Tarball

__all__ = ["Failed", "fetch_error"]


@dataclass(frozen=True, slots=True)
class Failed:
    """A tarball of a lock, and why there is none."""

    tarball: Tarball
    lock: Lock
    failure: Failure


def fetch_error(failures: Iterable[Failed], total: int) -> FetchError:
    """The error that lists them all.

    Args:
        failures: At least one.
        total: How many packages were wanted.
    """
    listed = sorted(failures, key=lambda item: item.tarball.install_paths)
    count = "1 package" if len(listed) == 1 else f"{len(listed):,} packages"
    lines = [f"{count} of {total:,} could not be fetched or verified:"]
    for item in listed:
        path, failure = item.tarball.install_paths[0], item.failure
        lines.append(f"  {item.tarball.label} ({path}): {failure.reason}")
        if failure.url:
            lines.append(f"    {failure.url}")
        lines.extend(_contradictions(item))
    hints = dict.fromkeys(item.failure.hint for item in listed if item.failure.hint)
    return FetchError("\n".join(lines), hint="\n  ".join(hints))


def _contradictions(item: Failed) -> Iterator[str]:
    """Where a lock gives one address several hashes of a kind, of which one at most can hold."""
    by_algorithm: dict[str, dict[Integrity, list[str]]] = {}
    paths = set(item.tarball.install_paths)
    for package in item.lock.packages:
        if package.install_path in paths:
            for integrity in package.integrities:
                users = by_algorithm.setdefault(integrity.algorithm, {})
                users.setdefault(integrity, []).append(package.install_path)
    for algorithm, hashes in by_algorithm.items():
        if len(hashes) > 1:
            yield f"    the lock gives this address {len(hashes)} different {algorithm} hashes:"
            yield from (f"      {hashed}  {', '.join(users)}" for hashed, users in hashes.items())
