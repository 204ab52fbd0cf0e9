"""What a tree of node_modules is, in a form that can be kept and compared.

A listing is path → what stands there: ``d`` for a directory, ``l:TARGET`` for a link, and
``f:x:DIGEST`` or ``f:-:DIGEST`` for a file that is executable or not.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Listing", "differences", "list_modules", "load", "save"]

Listing: TypeAlias = dict[str, str]

HIDDEN = "node_modules/.package-lock.json"
_REGISTRYS_WORD = ("deprecated", "license")
"""What a version 1 lock does not hold and no tarball can tell: npm asks the registry, whose answer
changes with time."""


def list_modules(project: Path) -> Listing:
    """All that is in the ``node_modules`` of a project, and of the directories below it."""
    found: Listing = {}
    _list(str(project), "", found, inside=False)
    return found


def _list(root: str, path: str, found: Listing, *, inside: bool) -> None:
    with os.scandir(f"{root}/{path}") as entries:
        for entry in entries:
            below = f"{path}/{entry.name}" if path else entry.name
            if not inside and entry.name != "node_modules":
                if entry.is_dir(follow_symlinks=False):
                    _list(root, below, found, inside=False)
            elif entry.is_symlink():
                found[below] = f"l:{os.readlink(entry.path)}"
            elif entry.is_dir():
                found[below] = "d"
                _list(root, below, found, inside=True)
            else:
                executable = entry.stat().st_mode & 0o100
                found[below] = f"f:{'x' if executable else '-'}:{_digest(entry.path)}"


def _digest(file: str) -> str:
    with open(file, "rb", buffering=0) as source:
        return hashlib.file_digest(source, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def save(listing: Listing, file: Path) -> None:
    """Keep a listing."""
    file.write_bytes(gzip.compress(json.dumps(listing).encode(), 1))


def load(file: Path) -> Listing:
    """A listing that was kept."""
    listing: Listing = json.loads(gzip.decompress(file.read_bytes()))
    return listing


def differences(
    ours: Listing, theirs: Listing, our_notes: str | None, their_notes: str | None, version: int
) -> Iterator[str]:
    """What differs, a line each; of npm's notes the entries and fields.

    Args:
        ours: What was built.
        theirs: What npm made.
        our_notes: Our ``.package-lock.json``; None where there is none.
        their_notes: npm's.
        version: The lock's.
    """
    for path in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(path), theirs.get(path)
        if here == there:
            continue
        if here is None:
            yield f"{path}: missing"
        elif there is None:
            yield f"{path}: only in ours"
        elif path == HIDDEN and our_notes is not None and their_notes is not None:
            yield from _note_differences(our_notes, their_notes, version)
        else:
            yield f"{path}: {_short(here)}, npm has {_short(there)}"


def _short(what: str) -> str:
    return what[:60] if what.startswith("l:") else what[:12]


def _note_differences(ours: str, theirs: str, version: int) -> Iterator[str]:
    left, right = _read(ours, version), _read(theirs, version)
    if left == right:
        if version != 1:
            yield f"{HIDDEN}: the same, but otherwise indented or ordered"
        return
    yield from _field_differences(HIDDEN, {**left, "packages": 0}, {**right, "packages": 0})
    here, there = left["packages"], right["packages"]
    for path in sorted(here.keys() | there.keys()):
        if path in here and path in there:
            yield from _field_differences(f"{HIDDEN}: {path}", here[path], there[path])
        else:
            yield f"{HIDDEN}: {path}: {'missing' if path in there else 'only in ours'}"


def _read(notes: str, version: int) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(notes)
    for entry in read["packages"].values() if version == 1 else ():
        for name in _REGISTRYS_WORD:
            entry.pop(name, None)
    return read


def _field_differences(where: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            yield f"{where}: {key}: {_json(one)}, npm has {_json(other)}"


def _json(value: Any) -> str:
    return json.dumps(value)[:80]
