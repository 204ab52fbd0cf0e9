"""Globs as npm's ignore rules have them: minimatch's, mostly case-insensitive, with dot files.

A pattern of one part matches a name at any depth; a leading slash binds it to its own directory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["IgnoreRule", "parse_rule", "parse_rules"]

_POSIX_CLASSES = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7f",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "\\x21-\\x7e",
    "lower": "a-z",
    "print": "\\x20-\\x7e",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "word": "\\w",
    "xdigit": "A-Fa-f0-9",
}
_EXTENDED = {"@": ")", "?": ")?", "*": ")*", "+": ")+"}
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?|([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d+))?")
_MOST_WORDS = 10_000  # of one pattern's braces

_Part = re.Pattern[str] | None
"""What one part of a path must match; None for ``**``, any number of parts."""


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One line of an ignore file.

    Attributes:
        negated: It takes back what an earlier rule left out.
        patterns: The alternatives that its braces spell out, each part by part.
        relative: Whether an alternative is a single name, which may stand at any depth.
    """

    negated: bool
    patterns: tuple[tuple[_Part, ...], ...]
    relative: bool

    def matches(self, path: str, *, partly: bool = False) -> bool:
        """Whether a path matches.

        Args:
            path: With slashes; one at the end stands for a directory.
            partly: Whether it is enough that something below the path could.
        """
        if path == "/" and partly:
            return True
        parts = re.split("/+", path)
        name = next((part for part in reversed(parts) if part), "")
        return any(
            _matches([name] if len(pattern) == 1 else parts, pattern, partly)
            for pattern in self.patterns
        )


def parse_rules(text: str) -> tuple[IgnoreRule, ...]:
    """The rules of an ignore file, in its order."""
    lines = (line.strip() for line in re.split(r"\r?\n", text))
    return tuple(parse_rule(line) for line in lines if line and not line.startswith("#"))


@lru_cache(maxsize=4096)
def parse_rule(line: str, *, case_sensitive: bool = False) -> IgnoreRule:
    """One rule; each ``!`` before it turns its meaning around."""
    pattern = line.lstrip("!")
    negated = (len(line) - len(pattern)) % 2 == 1
    alternatives = [_split(word) for word in dict.fromkeys(_expand_braces(pattern))]
    compiled = []
    for parts in alternatives if pattern else []:
        try:
            compiled.append(tuple(_compile(part, case_sensitive) for part in parts))
        except re.error:
            continue  # as a class whose range runs backwards: it matches nothing
    relative = any(len(parts) <= (1 if parts[-1] else 2) for parts in alternatives)
    return IgnoreRule(negated, tuple(compiled), relative)


def _split(pattern: str) -> list[str]:
    """A pattern's parts, with ``**/**`` and ``x/..`` taken together."""
    parts: list[str] = []
    for part in re.split("/+", pattern):
        previous = parts[-1] if parts else None
        if part == "**" and previous == "**":
            continue
        if part == ".." and previous and previous not in {"..", ".", "**"}:
            parts.pop()
            continue
        parts.append(part)
    return parts or [""]


def _matches(parts: Sequence[str], pattern: Sequence[_Part], partly: bool) -> bool:
    position = 0
    for number, wanted in enumerate(pattern):
        if position == len(parts):
            return partly  # more is wanted than there is
        if wanted is None:
            rest = parts[position:]
            climbs = next((i for i, part in enumerate(rest) if part in {".", ".."}), len(rest))
            if number + 1 == len(pattern):
                return climbs == len(rest)
            tails = range(min(climbs + 1, len(rest)))
            if any(_matches(rest[start:], pattern[number + 1 :], partly) for start in tails):
                return True
            return partly and climbs == len(rest)
        if not wanted.fullmatch(parts[position]):
            return False
        position += 1
    left = parts[position:]
    return not left or list(left) == [""]


def _compile(part: str, case_sensitive: bool) -> _Part:
    """A part's regular expression."""
    if part == "**":
        return None
    if part and set(part) == {"*"}:
        return re.compile(r"(?!\.{1,2}\Z)[^/]+", re.DOTALL)
    text, _ = _translate(part, 0, inside=False)
    guard = "" if part in {".", ".."} else r"(?!\.{1,2}\Z)"
    case = re.NOFLAG if case_sensitive else re.IGNORECASE
    return re.compile(guard + text, case | re.DOTALL)


def _translate(part: str, start: int, *, inside: bool) -> tuple[str, int]:
    """Translate up to the end, or to the ``)`` that ends an extended glob."""
    out: list[str] = []
    position = start
    while position < len(part):
        char = part[position]
        if char == "\\" and position + 1 < len(part):
            out.append(re.escape(part[position + 1]))
            position += 2
        elif (
            char in "@?*+!" and part[position + 1 : position + 2] == "(" and _closes(part, position)
        ):
            text, position = _extended(part, position)
            out.append(text)
        elif char == "*":
            while part[position : position + 1] == "*" and not _closes(part, position):
                position += 1
            out.append("[^/]*?")
        elif char == "?":
            out.append("[^/]")
            position += 1
        elif char == "[":
            text, position = _class(part, position)
            out.append(text)
        elif inside and char == "|":
            out.append("|")
            position += 1
        elif inside and char == ")":
            return "".join(out), position
        else:
            out.append(re.escape(char))
            position += 1
    return "".join(out), position


def _closes(part: str, position: int) -> bool:
    """Whether a parenthesis opens right after a position, and is closed."""
    if part[position + 1 : position + 2] != "(":
        return False
    depth = 0
    index = position + 1
    while index < len(part):
        char = part[index]
        if char == "\\":
            index += 1
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return True
        index += 1
    return False


def _extended(part: str, position: int) -> tuple[str, int]:
    """``@(a|b)``, ``?(…)``, ``*(…)``, ``+(…)``, ``!(…)``."""
    kind = part[position]
    text, end = _translate(part, position + 2, inside=True)
    after = end + 1
    if kind != "!":
        return f"(?:{text}{_EXTENDED[kind]}", after
    rest, _ = _translate(part, after, inside=False)
    return f"(?:(?!(?:{text}){rest}\\Z)[^/]*?)", after


def _class(part: str, position: int) -> tuple[str, int]:
    """``[a-z]``; an opening bracket that none closes is itself."""
    index = position + 1
    negated = part[index : index + 1] in {"!", "^"}
    index += negated
    first, items = index, list[str]()
    while index < len(part):
        char = part[index]
        posix = re.match(r"\[:(\w+):\]", part[index:])
        if char == "]" and index > first:
            return f"[{'^/' if negated else ''}{''.join(items)}]", index + 1
        if posix and posix[1] in _POSIX_CLASSES:
            items.append(_POSIX_CLASSES[posix[1]])
            index += len(posix[0])
        elif char == "\\" and index + 1 < len(part):
            items.append(re.escape(part[index + 1]))
            index += 2
        else:
            between = char == "-" and items and part[index + 1 : index + 2] not in {"", "]"}
            items.append("-" if between else re.escape(char))
            index += 1
    return re.escape("["), position + 1


def _expand_braces(pattern: str) -> Iterator[str]:
    """Every word that ``{a,b}`` and ``{1..3}`` spell."""
    return islice(_expanded(pattern), _MOST_WORDS)


def _expanded(pattern: str) -> Iterator[str]:
    found = _first_braces(pattern)
    if found is None:
        yield pattern
        return
    start, end, alternatives = found
    for alternative in alternatives:
        for tail in _expanded(pattern[end + 1 :]):
            yield f"{pattern[:start]}{alternative}{tail}"


def _first_braces(pattern: str) -> tuple[int, int, list[str]] | None:
    """The first braces that hold alternatives: where they are, and these."""
    for start, char in enumerate(pattern):
        if char != "{" or pattern[max(0, start - 1) : start] in {"\\", "$"}:
            continue
        depth, cuts, index = 0, [start], start
        while index < len(pattern):
            if pattern[index] == "\\":
                index += 2
                continue
            depth += (pattern[index] == "{") - (pattern[index] == "}")
            if pattern[index] == "," and depth == 1:
                cuts.append(index)
            if depth == 0:
                break
            index += 1
        else:
            continue  # never closed
        inner = pattern[start + 1 : index]
        if len(cuts) > 1:
            cuts.append(index)
            pieces = [pattern[a + 1 : b] for a, b in pairwise(cuts)]
            return start, index, [word for piece in pieces for word in _expanded(piece)]
        sequence = _RANGE.fullmatch(inner)
        if sequence:
            return start, index, _sequence(sequence)
    return None


def _sequence(match: re.Match[str]) -> list[str]:
    if match[1] is not None:
        first, last, step = int(match[1]), int(match[2]), abs(int(match[3] or 1)) or 1
        padded = any(re.fullmatch(r"-?0\d+", text) for text in (match[1], match[2]))
        width = max(len(match[1]), len(match[2])) if padded else 0
        return [f"{number:0{width}d}" for number in _steps(first, last, step)]
    first, last, step = ord(match[4]), ord(match[5]), abs(int(match[6] or 1)) or 1
    return [chr(number) for number in _steps(first, last, step)]


def _steps(first: int, last: int, step: int) -> range:
    return range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
