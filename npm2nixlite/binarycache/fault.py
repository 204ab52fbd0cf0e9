"""Finding our own error among those a client library wraps it in."""

from __future__ import annotations

from npm2nixlite.errors import Npm2nixliteError

__all__ = ["own_fault"]


def own_fault(error: BaseException | None) -> Npm2nixliteError | None:
    """The first of our errors that led to this one; a body that was read may have raised it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, Npm2nixliteError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
