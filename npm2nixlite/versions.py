"""Versions and ranges as npm reads them; the plain ranges, which nearly all are, without delay."""

from __future__ import annotations

import re
from functools import cache

__all__ = ["in_range", "is_range"]

_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_PLAIN = re.compile(r"(\^|~|>=|=)? ?(\d+)(?:\.(\d+))?(?:\.(\d+))?")


@cache
def is_range(wanted: str) -> bool:
    """Whether it is a range, and not a registry's tag."""
    if _PLAIN.fullmatch(wanted):
        return True
    import nodesemver  # it takes its time to load, and is seldom needed

    return nodesemver.valid_range(wanted, loose=True) is not None


@cache
def in_range(version: str, wanted: str) -> bool:
    """Whether a version is in a range, as npm has it (node-semver, loose).

    >>> in_range("1.4.2", "^1.2"), in_range("2.0.0", "~1.2.3 || 3")
    (True, False)
    """
    plain, release = _PLAIN.fullmatch(wanted), _RELEASE.fullmatch(version)
    if plain and release:
        return _in_plain_range(tuple(map(int, release.groups())), plain)
    import nodesemver

    try:
        return bool(nodesemver.satisfies(version, wanted, loose=True))
    except ValueError:  # one of the two is none
        return False


def _in_plain_range(version: tuple[int, ...], plain: re.Match[str]) -> bool:
    given = [int(part) for part in plain.groups()[1:] if part is not None]
    low = (*given, 0, 0)[:3]
    if version < low:
        return False
    operator = plain[1] or "="
    if operator == ">=":
        return True
    # the last number that may not grow
    fixed = len(given) - 1
    if operator == "~":
        fixed = min(fixed, 1)
    elif operator == "^":
        fixed = next((at for at, number in enumerate(given) if number), fixed)
    return version[: fixed + 1] == low[: fixed + 1]
