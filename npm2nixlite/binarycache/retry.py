"""When an upload is tried again, and after how long."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["DEFAULT_RETRIES", "TransientError", "is_transient", "persistently", "retry_after"]

DEFAULT_RETRIES = 5
"""How often a request is repeated; with the waits between, about 15 seconds."""

_LONGEST_WAIT = 120.0  # seconds; a server that asks for more is told about, not waited for
_TRANSIENT = frozenset({408, 425, 429})
_FINAL = frozenset({501, 505, 507, 508, 511})  # no PUT here, no room left: waiting helps nobody

T = TypeVar("T")


class TransientError(Exception):
    """A request failed in a way that the next attempt may not.

    Args:
        what: The failure, without a full stop.
        wait: Seconds the server asks to wait.
        hint: What the user can do once there is no further attempt.
    """

    def __init__(self, what: str, *, wait: float | None = None, hint: str = "") -> None:
        super().__init__(what)
        self.wait = wait
        self.hint = hint


def is_transient(status: int) -> bool:
    """Whether an HTTP status may be another one the next time."""
    return status in _TRANSIENT or (500 <= status <= 599 and status not in _FINAL)


def retry_after(header: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3); None where it does not."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


async def persistently(attempt: Callable[[], Awaitable[T]], *, retries: int, where: str) -> T:
    """Try until it works, waiting twice as long each time, or as long as the server asks.

    Args:
        attempt: What to try; raises `TransientError` where another attempt may go better.
        retries: How many more attempts there are after the first.
        where: What it is about, for the error.

    Raises:
        BuildError: No attempt worked.
    """
    done = 0
    while True:
        try:
            return await attempt()
        except TransientError as error:
            wait = _backoff(done) if error.wait is None else error.wait
            done += 1
            if done > retries or wait > _LONGEST_WAIT:
                asked = f"; the server asks to come back in {wait:.0f} s" if done <= retries else ""
                raise BuildError(
                    f"{error} ({done} attempt{'s' if done > 1 else ''}{asked})",
                    where=where,
                    hint=error.hint or "run it again later: what is there already is skipped",
                ) from error
        await asyncio.sleep(wait)


def _backoff(done: int) -> float:
    return min(0.5 * 2.0**done, 30.0) * random.uniform(0.75, 1.25)  # noqa: S311
