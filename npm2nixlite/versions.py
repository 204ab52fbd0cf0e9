"""Versions: npm's and their ranges, what a bump is, and what tools say of themselves.

Plain ranges, which nearly all are, are read here without delay; node-semver reads the others.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache

import semver
from packaging.version import Version as ToolVersion

__all__ = [
    "Bump",
    "ToolVersion",
    "bump",
    "fits_plainly",
    "in_range",
    "is_older",
    "is_range",
    "is_semantic",
    "is_version",
    "version_in",
]

_RELEASE_OF_TOOL = re.compile(r"\b\d+(?:\.\d+)+")

_RELEASE = re.compile(r"(0|[1-9][0-9]{0,9})\.(0|[1-9][0-9]{0,9})\.(0|[1-9][0-9]{0,9})")
_COMPARATOR = re.compile(
    r"(\^|~|[<>]=?|=|)"
    r"(?:([0-9]{1,9})(?:\.([0-9]{1,9})(?:\.([0-9]{1,9})(-[0-9A-Za-z.-]+)?)?)?(?:\.[xX*])*|[xX*])"
)
_HYPHEN = re.compile(r"([0-9][0-9.]*)\s+-\s+([0-9][0-9.]*)")
_WORD = re.compile(r"[A-Za-z]{2,}")
# What a bound at a prerelease is to a version that is none.
_AT_PRERELEASE = {">": ">=", "<=": "<", "": "none", "=": "none"}
_LONGEST = 2048
"""Characters of a version or a range, beyond which it is none here; node-semver takes 256 of a
version. What takes them apart needs time that grows with the square."""
_GAP = re.compile(r"(\^|~|[<>]=?|=)\s+")

_Comparator = tuple[str, tuple[int, ...]]


class Bump(Enum):
    """The most telling part of a semantic version in which two of them differ."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    PRERELEASE = "prerelease"
    BUILD = "build"


def is_semantic(text: str) -> bool:
    """Whether it is a semantic version, as a registry's versions are."""
    return semver.Version.is_valid(text)


def bump(old: str, new: str) -> Bump | None:
    """What kind of change leads from one version to another, up or down.

    None where they are equal, or one of them is no semantic version.

    >>> bump("1.4.2", "1.5.0")
    <Bump.MINOR: 'minor'>
    """
    if not is_semantic(old) or not is_semantic(new):
        return None
    before, after = semver.Version.parse(old), semver.Version.parse(new)
    parts = zip(Bump, before.to_tuple(), after.to_tuple(), strict=True)
    return next((part for part, one, other in parts if one != other), None)


def is_older(one: str, other: str) -> bool:
    """Whether the first of two semantic versions comes before the second."""
    return semver.Version.parse(one) < semver.Version.parse(other)


def version_in(answer: str) -> ToolVersion | None:
    """The release that a tool names in the first line of what it answers to ``--version``.

    What follows the numbers, such as a development version's date, is left out.

    >>> version_in("nix-store (Nix) 2.34.0pre20260101_abcdef")
    <Version('2.34.0')>
    """
    found = _RELEASE_OF_TOOL.search(answer.partition("\n")[0])
    return None if found is None else ToolVersion(found[0])


@cache
def is_range(wanted: str) -> bool:
    """Whether it is a range, and not a registry's tag."""
    if len(wanted) > _LONGEST:
        return False
    if _plain(wanted) is not None:
        return True
    import nodesemver  # it takes its time to load, and is seldom needed

    try:
        return nodesemver.valid_range(wanted, loose=True) is not None
    except Exception:  # noqa: BLE001 (it raises whatever its parsing comes to)
        return False


_EXACT = re.compile(
    r"[v=\s]*(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}"
    r"(?:-?[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z.-]+)?\s*"
)


def is_version(wanted: str) -> bool:
    """Whether it is one version, not a range of them."""
    return _EXACT.fullmatch(wanted) is not None


@cache
def in_range(version: str, wanted: str) -> bool:
    """Whether a version is in a range, as npm has it (node-semver, loose).

    >>> in_range("1.4.2", "^1.2"), in_range("2.0.0", "~1.2.3 || 3")
    (True, False)
    """
    plain = fits_plainly(version, wanted)
    if plain is not None:
        return plain
    import nodesemver

    if len(version) > _LONGEST or len(wanted) > _LONGEST:
        return False
    try:
        return bool(nodesemver.satisfies(version, wanted, loose=True))
    except Exception:  # noqa: BLE001 (one of the two is none; it raises whatever that comes to)
        return False


@cache
def fits_plainly(version: str, wanted: str) -> bool | None:
    """Whether a version is in a range, where that takes no library; else None.

    None says that the version is a prerelease, or that ``wanted`` is no range or a rare one.
    """
    plain, release = _plain(wanted), _RELEASE.fullmatch(version)
    if plain is None or release is None:
        return True if version == wanted and is_version(version) else None
    numbers = tuple(map(int, release.groups()))
    return any(all(_compares(numbers, one) for one in both) for both in plain)


@cache
def _plain(wanted: str) -> tuple[tuple[_Comparator, ...], ...] | None:
    """The comparators of a range, as they hold for versions that are no prereleases.

    None for what is none, or is written in a rare way.
    """
    if len(wanted) > _LONGEST:
        return None
    found: list[tuple[_Comparator, ...]] = []
    for alternative in wanted.split("||"):
        comparators: list[_Comparator] = []
        text = _HYPHEN.sub(r">=\1 <=\2", alternative.strip())
        if _WORD.fullmatch(text):
            continue  # node-semver drops alternatives that are none
        for word in _GAP.sub(r"\1", text).split():
            match = _COMPARATOR.fullmatch(word)
            if match is None:
                return None
            operator, *parts, prerelease = match.groups()
            given = tuple(int(part) for part in parts if part is not None)
            if prerelease:
                operator = _AT_PRERELEASE.get(operator, operator)
            if not given and operator in ("<", ">"):
                return None
            comparators.append((operator, given))
        found.append(tuple(comparators))
    return tuple(found) or None


def _compares(version: tuple[int, ...], comparator: _Comparator) -> bool:
    operator, given = comparator
    if not given:
        return True
    first = (*given, 0, 0)[:3]
    same = version[: len(given)] == given
    match operator:
        case ">=":
            return version >= first
        case ">":
            return version > first and not same
        case "<":
            return version < first
        case "<=":
            return version <= first or same
        case "none":
            return False
    if version < first:
        return False
    fixed = len(given) - 1  # the last number that may not grow
    if operator == "~":
        fixed = min(fixed, 1)
    elif operator == "^":
        fixed = next((at for at, number in enumerate(given) if number), fixed)
    return version[: fixed + 1] == first[: fixed + 1]
