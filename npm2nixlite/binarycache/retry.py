"""Trying an upload again."""

from __future__ import annotations

from asyncio import sleep
from typing import TYPE_CHECKING, TypeVar

from npm2nixlite import retry
from npm2nixlite.errors import BuildError
from npm2nixlite.messages import plural
from npm2nixlite.retry import LONGEST_WAIT, backoff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["DEFAULT_RETRIES", "TransientError", "is_transient", "persistently"]

DEFAULT_RETRIES = 5
"""How often a request is repeated; with the waits between, about 15 seconds."""

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
    """Whether an upload's HTTP status may be another one the next time."""
    return retry.is_transient(status) and status not in _FINAL


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
            wait = backoff(done) if error.wait is None else error.wait
            done += 1
            if done > retries or wait > LONGEST_WAIT:
                asked = f"; the server asks to come back in {wait:.0f} s" if done <= retries else ""
                raise BuildError(
                    f"{error} ({plural(done, 'attempt')}{asked})",
                    where=where,
                    hint=error.hint or "run it again later: what is there already is skipped",
                ) from error
        await sleep(wait)
