"""Which uploads are tried again."""

from __future__ import annotations

from npm2nixlite.binarycache.retry import is_transient


def test_a_full_server_and_one_without_put_are_not_waited_for() -> None:
    assert all(map(is_transient, [408, 425, 429, 500, 502, 503, 504, 599]))
    assert not any(map(is_transient, [200, 301, 400, 401, 403, 404, 501, 507]))
