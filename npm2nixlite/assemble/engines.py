"""Whether a version satisfies an ``engines`` range, as node-semver with ``includePrerelease``.

npm leaves an optional package out when its ``engines`` does not fit the running Node.js or npm.
Only that question is answered here, which takes no more of SemVer than comparing.
"""

from __future__ import annotations

import re
from functools import total_ordering
from typing import TypeAlias

__all__ = ["satisfies"]

_PARTIAL = re.compile(
    r"[vV=\s]*(?P<major>0|[1-9]\d*|[xX*])"
    r"(?:\.(?P<minor>0|[1-9]\d*|[xX*])"
    r"(?:\.(?P<patch>0|[1-9]\d*|[xX*])"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?)?)?"
)
_HYPHEN = re.compile(r"^\s*(\S+)\s+-\s+(\S+)\s*$")
_COMPARATOR = re.compile(r"(?P<operator>[<>]=?|=|~>?|\^|)(?P<version>.*)", re.DOTALL)
_GAP = re.compile(r"([<>]=?|=|~>?|\^)\s+")


@total_ordering
class _Version:
    """A version's place in SemVer's order; build metadata has none."""

    def __init__(self, numbers: tuple[int, int, int], pre: str | None = None) -> None:
        self.numbers = numbers
        identifiers = pre.split(".") if pre else []
        # a release sorts behind its prereleases, a number before a word
        self.key = (
            numbers,
            pre is None,
            [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in identifiers],
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Version) and self.key == other.key

    def __lt__(self, other: _Version) -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash((self.numbers, self.key[1]))


_Bound: TypeAlias = tuple[str, _Version]


def satisfies(version: str, wanted: str) -> bool:
    """Whether ``version`` is in the range; a range that is none holds nothing.

    Args:
        version: ``20.11.0``, with or without a ``v``.
        wanted: As in ``engines``: ``>=18 || ^16.13``, ``14.x``, ``*``.
    """
    match = _PARTIAL.fullmatch(version.strip())
    if match is None or not (match["patch"] or "").isdigit():
        return False
    found = _Version(_numbers(match), match["pre"])
    try:
        return any(_holds(found, part) for part in wanted.split("||"))
    except ValueError:
        return False


def _holds(version: _Version, wanted: str) -> bool:
    hyphen = _HYPHEN.match(wanted)
    if hyphen:
        bounds = [*_at_least(hyphen[1]), *_at_most(hyphen[2])]
    else:
        words = _GAP.sub(r"\1", wanted.strip()).split()
        bounds = [bound for word in words for bound in _bounds(word)]
    return all(_compare(version, operator, bound) for operator, bound in bounds)


def _compare(version: _Version, operator: str, bound: _Version) -> bool:
    match operator:
        case "<":
            return version < bound
        case "<=":
            return version <= bound
        case ">":
            return version > bound
        case ">=":
            return version >= bound
        case _:
            return version == bound


def _bounds(word: str) -> list[_Bound]:
    match = _COMPARATOR.fullmatch(word)
    assert match is not None  # noqa: S101  # the pattern matches anything
    operator, text = match["operator"], match["version"]
    partial = _partial(text)
    fixed = _fixed(partial)
    low = _Version(_numbers(partial), _floor(partial))
    if operator == "^":
        numbers = low.numbers
        caret = next((at for at, number in enumerate(numbers) if number), 2)
        return _between(low, fixed, min(caret, max(fixed - 1, 0)))
    if operator in ("~", "~>"):
        return _between(low, fixed, 0 if fixed == 1 else 1)
    if fixed == 3:
        return [(operator or "=", _Version(low.numbers, partial["pre"]))]
    if operator in ("", "="):
        return _between(low, fixed, fixed - 1)
    if fixed == 0:
        return [("<", _Version((0, 0, 0), "0"))] if operator in ("<", ">") else []
    above = _Version(_next(low.numbers, fixed - 1), "0")
    if operator == ">":
        return [(">=", above)]
    if operator == "<=":
        return [("<", above)]
    return [(operator, low)]


def _between(low: _Version, fixed: int, raised: int) -> list[_Bound]:
    if fixed == 0:
        return []
    return [(">=", low), ("<", _Version(_next(low.numbers, raised), "0"))]


def _at_least(text: str) -> list[_Bound]:
    partial = _partial(text)
    return [(">=", _Version(_numbers(partial), partial["pre"] or "0"))] if _fixed(partial) else []


def _at_most(text: str) -> list[_Bound]:
    partial = _partial(text)
    fixed = _fixed(partial)
    if fixed == 3:
        return [("<=", _Version(_numbers(partial), partial["pre"]))]
    return [("<", _Version(_next(_numbers(partial), fixed - 1), "0"))] if fixed else []


def _partial(text: str) -> re.Match[str]:
    match = _PARTIAL.fullmatch(text or "*")
    if match is None or any((part or "").isdigit() for part in match.groups()[_fixed(match) : 3]):
        raise ValueError(text)
    return match


def _fixed(partial: re.Match[str]) -> int:
    """How many numbers are given before the first ``x``."""
    parts = (partial["major"], partial["minor"], partial["patch"])
    return next((at for at, part in enumerate(parts) if not (part or "").isdigit()), 3)


def _floor(partial: re.Match[str]) -> str | None:
    """The prerelease a lower bound starts at; 0 is below all."""
    return partial["pre"] if _fixed(partial) == 3 else "0"


def _numbers(partial: re.Match[str]) -> tuple[int, int, int]:
    parts = [partial["major"], partial["minor"], partial["patch"]][: _fixed(partial)]
    major, minor, patch, *_ = [*(int(part) for part in parts if part), 0, 0, 0]
    return major, minor, patch


def _next(numbers: tuple[int, int, int], at: int) -> tuple[int, int, int]:
    """The first version after all that share the numbers up to position ``at``."""
    major, minor, patch = numbers
    return ((major + 1, 0, 0), (major, minor + 1, 0), (major, minor, patch + 1))[at]
