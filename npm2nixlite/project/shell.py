"""A project's tree in the project, for a shell: linked from the store, or made to be written to.

Nothing that a user has put there is touched: what is ours carries a note, or is a link into the
store.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.assemble.package_json import normalize_bin, read_package_json
from npm2nixlite.errors import InputError
from npm2nixlite.files import remove_tree
from npm2nixlite.project.install import node_modules_of
from npm2nixlite.project.tree import make_tree, read_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NOTE", "enter", "find_project"]

NOTE = ".npm2nixlite.json"
"""In the project's ``node_modules``: what it was made from."""

_LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
_HIDDEN_LOCK = ".package-lock.json"
_STAYS = "{} is not from this shell and stays; remove it to have it from here"


@dataclass(frozen=True, slots=True)
class _Made:
    source: str
    places: tuple[str, ...]
    entries: tuple[str, ...]
    hidden: str | None


def find_project(start: Path, root: str, lock_hash: str) -> Path:
    """The project that a shell is entered for, from anywhere in it.

    Args:
        start: Where the shell is entered.
        root: The project's directory, below one that ``start`` is in; ``.`` for that itself.
        lock_hash: Of the lock that the generated file is from, ``sha256:…``.

    Raises:
        InputError: There is no lock here or above.
    """
    found = [
        (folder / root, folder / root / name)
        for folder in (start, *start.parents)
        for name in _LOCKS
        if (folder / root / name).is_file()
    ]
    if not found:
        raise InputError(
            f"there is no {' or '.join(reversed(_LOCKS))} here or above",
            where=str(start),
            hint="enter the shell in the project; if it is in a directory below, npmRoot names it",
        )
    for project, lock in found:
        if f"sha256:{hashlib.sha256(lock.read_bytes()).hexdigest()}" == lock_hash:
            return project.resolve()
    project, lock = found[0]
    _say(f"{lock} is not the lock that the shell was made from: run 'npm2nixlite generate' again")
    return project.resolve()


def enter(project: Path, source: Path, *, writable: bool) -> None:
    """Put a tree into a project, unless it is there already or a user's own is in its place.

    Args:
        project: Its directory.
        source: A tree in the store, to be linked; or the plan of one, to be made.
        writable: Which of the two.
    """
    with _alone(project):
        note = _note(project)
        if note is not None and note.source == str(source) and _is_whole(project, note):
            return
        if writable:
            with tempfile.TemporaryDirectory(prefix=".npm2nixlite-", dir=project) as scratch:
                _put(project, note, source, Path(scratch) / "tree")
        else:
            _put(project, note, source, None)


def _put(project: Path, note: _Made | None, source: Path, scratch: Path | None) -> None:
    foreign = _foreign(project, note)
    if foreign is not None:
        _say(foreign)
        return
    if scratch is None:
        tree = source
    else:
        scratch.mkdir()
        make_tree(read_plan(source), scratch)
        tree = scratch
    places = [str(place) for place in node_modules_of(tree)] or ["node_modules"]
    for place in places:
        if (project / place).exists() and not _is_ours(project, place, note):
            _say(_STAYS.format(project / place))
            return
    for place in note.places if note else ():
        _remove(project / place)
    for place in places:
        target = project / place
        _remove(target)
        if not target.parent.is_dir():
            continue  # a workspace that is not checked out
        if scratch is not None and (tree / place).is_dir():
            (tree / place).rename(target)
        elif (tree / place).is_dir():
            _link_entries(tree / place, target)
        else:
            target.mkdir()
        _link_commands(project, target)
    hidden = project / "node_modules" / _HIDDEN_LOCK
    made = {
        "source": str(source),
        "places": places,
        "entries": _entries(project),
        "hidden": _digest(hidden) if hidden.exists() else None,
    }
    (project / "node_modules" / NOTE).write_text(json.dumps(made))


def _foreign(project: Path, note: _Made | None) -> str | None:
    """Why the project's ``node_modules`` is not ours to replace; None where it is."""
    modules = project / "node_modules"
    if note is None:
        if not os.path.lexists(modules) or _is_store_link(modules):
            return None
        return _STAYS.format(modules)
    hidden = modules / _HIDDEN_LOCK
    if (_digest(hidden) if hidden.exists() else None) != note.hidden:
        return (
            f"npm has changed {modules} since it was made, so that it stays; "
            "remove it to have it anew"
        )
    strangers = sorted(set(_entries(project)) - set(note.entries))
    if strangers:
        return (
            f"{modules}/{strangers[0]} is not from this shell, so that {modules} stays; "
            "remove it to have the tree anew"
        )
    return None


def _entries(project: Path) -> list[str]:
    """What stands in the project's tree; what begins with a dot is some tool's own."""
    modules = project / "node_modules"
    found = [*modules.glob("[!.@]*"), *modules.glob("@*/*")]
    return sorted(str(entry.relative_to(modules)) for entry in found)


def _is_ours(project: Path, place: str, note: _Made | None) -> bool:
    return (note is not None and place in note.places) or _is_store_link(project / place)


def _is_store_link(path: Path) -> bool:
    """Whether an earlier version of this shell linked it: to a tree in a store."""
    return path.is_symlink() and "-node-modules" in path.readlink().as_posix()


def _is_whole(project: Path, note: _Made) -> bool:
    return all(
        (project / place).is_dir() for place in note.places if (project / place).parent.is_dir()
    )


def _note(project: Path) -> _Made | None:
    try:
        value = json.loads((project / "node_modules" / NOTE).read_bytes())
        return _Made(
            value["source"], tuple(value["places"]), tuple(value["entries"]), value["hidden"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _link_entries(modules: Path, target: Path) -> None:
    """A directory of links: packages to the store, workspaces to where the project has them."""
    target.mkdir()
    for entry in sorted(modules.iterdir()):
        to = target / entry.name
        if entry.is_symlink():
            to.symlink_to(entry.readlink())
        elif entry.name == ".bin" or entry.name.startswith("@"):
            _link_entries(entry, to)
        else:
            to.symlink_to(entry)


def _link_commands(project: Path, modules: Path) -> None:
    """The commands of workspaces, which are not in the store: as far as their files are there."""
    for entry in [*modules.iterdir(), *modules.glob("@*/*")]:
        if not entry.is_symlink() or not entry.resolve().is_relative_to(project):
            continue
        for command, path in normalize_bin(read_package_json(entry) or {}).items():
            link = modules / ".bin" / command
            if (entry / path).is_file() and not os.path.lexists(link):
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(os.path.relpath(entry / path, link.parent))


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        remove_tree(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _alone(project: Path) -> Iterator[None]:
    """Two shells that are entered at once make one tree."""
    descriptor = os.open(project, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _say(text: str) -> None:
    sys.stderr.write(f"npm2nixlite: {text}\n")
