"""Ranges of versions against each other, as node-semver compares them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

from npm2nixlite.versions import in_range

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["intersect", "newer", "newest_like"]


class _Comparator(Protocol):
    """One comparator of the library's, ``>=1.2.3``."""

    operator: str  # None where the comparator is any version
    semver: object


@cache
def intersect(one: str, other: str) -> bool:
    """Whether a version could be in both ranges, as node-semver's ``intersects`` has it.

    What is no range intersects nothing.
    """
    import nodesemver

    try:
        left, right = nodesemver.make_range(one, True), nodesemver.make_range(other, True)
    except Exception:  # noqa: BLE001 (the library raises whatever its parsing comes to)
        return False
    return any(
        _possible(first) and _possible(second) and _all_meet(first, second)
        for first in left.set
        for second in right.set
    )


def newer(one: str, other: str) -> bool:
    """Whether a version is at least as new as another; false where one of them is none."""
    import nodesemver

    try:
        return bool(nodesemver.gte(one, other, True))
    except Exception:  # noqa: BLE001 (the library raises whatever its parsing comes to)
        return False


def newest_like(wanted: str, known: Iterable[str]) -> str | None:
    """A version that a registry might answer a range with.

    Args:
        wanted: The range.
        known: Versions that exist.

    Returns:
        The newest known one in the range; else the lowest that the last of the range's
        alternatives names; None where nothing can be told.
    """
    import nodesemver

    fitting = [version for version in known if in_range(version, wanted)]
    if fitting:
        return str(nodesemver.max_satisfying(fitting, wanted, loose=True))
    try:
        alternatives = nodesemver.make_range(wanted, True).set
    except Exception:  # noqa: BLE001 (the library raises whatever its parsing comes to)
        return None
    lowest = (
        str(one.semver)
        for one in alternatives[-1]
        if not _is_any(one) and one.operator in ("", ">=")
    )
    return next(lowest, None)


def _possible(comparators: list[_Comparator]) -> bool:
    return all(
        _meet(one, other) for at, one in enumerate(comparators) for other in comparators[:at]
    )


def _all_meet(first: list[_Comparator], second: list[_Comparator]) -> bool:
    return all(_meet(one, other) for one in first for other in second)


def _meet(one: _Comparator, other: _Comparator) -> bool:
    """Whether two comparators (``>=1.2.3``) leave a version between them."""
    import nodesemver

    for exact, bound in ((one, other), (other, one)):
        if _is_any(exact) or exact.operator in ("", "="):
            version = "" if _is_any(exact) else str(exact.semver)
            return not version or bool(nodesemver.satisfies(version, str(bound), loose=True))
    if any(item.operator == "<" and str(item.semver).startswith("0.0.0") for item in (one, other)):
        return False
    if one.operator[0] == other.operator[0]:
        return True
    order = nodesemver.compare(str(one.semver), str(other.semver), True)
    if order == 0:
        return "=" in one.operator and "=" in other.operator
    return bool((one.operator[0] == ">") == (order < 0))


def _is_any(comparator: _Comparator) -> bool:
    return not str(comparator)
