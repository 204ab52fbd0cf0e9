"""One error for all packages that could not be fetched or verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from npm2nixlite.errors import FetchError
from npm2nixlite.messages import plural, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from npm2nixlite.fetch.job import Failure

__all__ = ["Failed", "fetch_error"]


_MOST_ALIKE = 10  # failures of one host and reason that are all shown
_SHOWN = 3  # of more


@dataclass(frozen=True, slots=True)
class Failed:
    """A tarball that could not be had.

    Attributes:
        label: What it is called in messages.
        install_path: The first one that it fills.
        failure: Why there is none.
        notes: Further lines about it.
    """

    label: str
    install_path: str
    failure: Failure
    notes: tuple[str, ...] = ()


def fetch_error(failures: Iterable[Failed], total: int) -> FetchError:
    """The error that lists them all.

    Args:
        failures: At least one.
        total: How many packages were wanted.
    """
    listed = sorted(failures, key=lambda item: item.install_path)
    lines = [f"{plural(len(listed), 'package')} of {total:,} could not be fetched or verified:"]
    for (host, reason), group in _groups(listed).items():
        # One dead host fails every package in the same way: some of them say it all.
        shown = group if len(group) <= _MOST_ALIKE else group[:_SHOWN]
        for item in shown:
            lines.append(f"  {item.label} ({item.install_path}): {reason}")
            if item.failure.url:
                lines.append(f"    {without_credentials(item.failure.url)}")
            lines.extend(f"    {note}" for note in item.notes)
        if len(shown) < len(group):
            more = plural(len(group) - len(shown), "more package")
            lines.append(f"  and {more} from {host or 'there'}, for the same reason (-v lists all)")
    hints = dict.fromkeys(item.failure.hint for item in listed if item.failure.hint)
    details = [
        {
            "package": item.label,
            "path": item.install_path,
            "url": without_credentials(item.failure.url),
            "reason": item.failure.reason,
        }
        for item in listed
    ]
    return FetchError("\n".join(lines), hint="\n  ".join(hints), details=details)


def _groups(listed: Iterable[Failed]) -> dict[tuple[str, str], list[Failed]]:
    """Host and reason → failures; the host is empty where an address has none."""
    groups: dict[tuple[str, str], list[Failed]] = {}
    for item in listed:
        try:
            host = urlsplit(item.failure.url).hostname or ""
        except ValueError:
            host = ""
        groups.setdefault((host, item.failure.reason), []).append(item)
    return groups
