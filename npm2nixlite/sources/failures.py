"""One error for all packages that could not be fetched or verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.errors import FetchError
from npm2nixlite.messages import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from npm2nixlite.fetch.job import Failure

__all__ = ["Failed", "fetch_error"]


@dataclass(frozen=True, slots=True)
class Failed:
    """A tarball that there is none of.

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
    for item in listed:
        lines.append(f"  {item.label} ({item.install_path}): {item.failure.reason}")
        if item.failure.url:
            lines.append(f"    {item.failure.url}")
        lines.extend(f"    {note}" for note in item.notes)
    hints = dict.fromkeys(item.failure.hint for item in listed if item.failure.hint)
    details = [
        {
            "package": item.label,
            "path": item.install_path,
            "url": item.failure.url,
            "reason": item.failure.reason,
        }
        for item in listed
    ]
    return FetchError("\n".join(lines), hint="\n  ".join(hints), details=details)
