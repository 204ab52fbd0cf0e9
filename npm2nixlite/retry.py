"""When a request is tried again, and after how long."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["LONGEST_WAIT", "backoff", "is_transient", "retry_after"]

LONGEST_WAIT = 120.0
"""Seconds; a server that asks for more is told about instead of waited for."""

_TRANSIENT = frozenset({408, 425, 429})


def is_transient(status: int) -> bool:
    """Whether an HTTP status may be another one the next time."""
    return status in _TRANSIENT or 500 <= status <= 599


def backoff(attempt: int) -> float:
    """Seconds to wait after failed attempt ``attempt`` (from 0): doubling, and not all at once."""
    return min(0.5 * 2.0 ** min(attempt, 10), 30.0) * random.uniform(0.75, 1.25)  # noqa: S311


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3); None where it does not."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None  # no date, or one with a zone that no clock has
