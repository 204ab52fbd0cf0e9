"""When to try again; Retry-After in both its forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from npm2nixlite.retry import backoff, is_transient, retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("soon", None),
        ("-1", None),
        ("\N{SUPERSCRIPT TWO}", None),
    ],
)
def test_seconds_are_read(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_a_date_is_read() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=30)
    wait = retry_after(format_datetime(moment, usegmt=True))
    assert wait is not None
    assert 28 < wait <= 30
    assert retry_after("Sun, 06 Nov 1994 08:49:37 GMT") == 0.0


def test_waiting_helps_against_what_passes_only() -> None:
    assert all(map(is_transient, [408, 425, 429, 500, 502, 503, 504, 507, 599]))
    assert not any(map(is_transient, [200, 301, 400, 401, 403, 404]))


def test_waits_double_up_to_half_a_minute() -> None:
    assert 0.3 < backoff(0) < 0.7
    assert 3.0 <= backoff(3) <= 5.0
    assert backoff(50) < 40
