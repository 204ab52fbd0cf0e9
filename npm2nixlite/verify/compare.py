"""Comparing two trees, path by path: kind, mode, bytes, link target."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Difference", "differences"]

NOTES = ".package-lock.json"
_PIECE = 1 << 20
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that is not the same in both trees.

    Attributes:
        path: Relative to both roots.
        aspect: ``only in ours``, ``missing``, ``kind``, ``mode``, ``link``, ``bytes`` or
            ``value``, of a field of npm's notes.
        ours: What our tree has, for reading.
        theirs: What the tree it is compared with has.
    """

    path: str
    aspect: str
    ours: str = ""
    theirs: str = ""

    def __str__(self) -> str:
        if self.aspect in ("missing", "only in ours"):
            return f"{self.path}: {self.aspect}"
        return f"{self.path}: {self.aspect}: {self.ours}, npm has {self.theirs}"


def differences(ours: Path, theirs: Path) -> Iterator[Difference]:
    """All differences between two trees, in the order of their paths.

    Times and owners do not count. A path that only one tree has is named once, without what is
    below it.
    """
    yield from _compare_directories(str(ours), str(theirs), "")


def _compare_directories(ours: str, theirs: str, path: str) -> Iterator[Difference]:
    left, right = _names(ours), _names(theirs)
    for name in sorted(left | right):
        below = f"{path}/{name}" if path else name
        if name not in right:
            yield Difference(below, "only in ours")
        elif name not in left:
            yield Difference(below, "missing")
        else:
            yield from _compare(f"{ours}/{name}", f"{theirs}/{name}", below)


def _names(directory: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(directory))
    except FileNotFoundError:
        return frozenset()


def _compare(ours: str, theirs: str, path: str) -> Iterator[Difference]:
    left, right = os.lstat(ours), os.lstat(theirs)
    kinds = _kind(left), _kind(right)
    if kinds[0] != kinds[1]:
        yield Difference(path, "kind", *kinds)
        return
    if kinds[0] == "link":
        targets = os.readlink(ours), os.readlink(theirs)
        if targets[0] != targets[1]:
            yield Difference(path, "link", *targets)
        return
    modes = stat.S_IMODE(left.st_mode), stat.S_IMODE(right.st_mode)
    if modes[0] != modes[1]:
        yield Difference(path, "mode", f"{modes[0]:04o}", f"{modes[1]:04o}")
    if kinds[0] == "directory":
        yield from _compare_directories(ours, theirs, path)
    elif path.rpartition("/")[2] == NOTES and (found := _compare_notes(ours, theirs, path)):
        yield from found
    elif left.st_size != right.st_size:
        yield Difference(path, "bytes", f"{left.st_size} bytes", f"{right.st_size} bytes")
    else:
        at = _first_difference(ours, theirs)
        if at is not None:
            yield Difference(path, "bytes", f"differ at byte {at}", f"{right.st_size} bytes")


def _compare_notes(ours: str, theirs: str, path: str) -> list[Difference]:
    """What npm's notes differ in: entries and fields; none where only the layout is another."""
    texts = []
    for file in (ours, theirs):
        with open(file, "rb") as notes:
            try:
                texts.append(json.loads(notes.read()))
            except (ValueError, RecursionError):
                return []
    return [*_compare_values(texts[0], texts[1], path)]


def _compare_values(ours: object, theirs: object, place: str) -> Iterator[Difference]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted({*ours, *theirs}):
            below = f"{place}, {name or '(the project)'}"
            if name not in theirs:
                yield Difference(below, "only in ours")
            elif name not in ours:
                yield Difference(below, "missing")
            else:
                yield from _compare_values(ours[name], theirs[name], below)
    elif ours != theirs:
        yield Difference(place, "value", json.dumps(ours), json.dumps(theirs))


def _kind(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), "special file")


def _first_difference(ours: str, theirs: str) -> int | None:
    at = 0
    with open(ours, "rb", 0) as left, open(theirs, "rb", 0) as right:
        while True:
            one, other = left.read(_PIECE), right.read(_PIECE)
            if one != other:
                pairs = enumerate(zip(one, other, strict=False), start=at)
                return next((place for place, pair in pairs if pair[0] != pair[1]), at)
            if not one:
                return None
            at += len(one)
